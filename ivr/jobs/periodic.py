"""Periodic work, one function a task. Each may be cut short at any point and done again."""

from __future__ import annotations

import time

import httpx
import structlog
from rq import Queue

from ivr.errors import CarrierError
from ivr.jobs import returning, worker
from ivr.jobs.ending import call_over
from ivr.jobs.switchboard import is_consult
from ivr.jobs.wiring import Line
from routing.model import Talk

log = structlog.get_logger()

SILENT_SECONDS = 60.0  # after this a call's life is asked of the carrier
_DONE = frozenset({"completed", "busy", "no-answer", "failed", "canceled", "gone"})


def sweep(line: Line) -> None:
    """Free what is overdue, tell those who wait for nobody, offer what waits."""
    swept = line.board.sweep()
    line.switchboard.wrap_ups.settle(swept)
    for result, calls in (("no_answer", swept.overdue), ("nobody", swept.nobody), ("closed", swept.closed)):
        for call_id in calls:
            end_wait(line, call_id, result)
    for call_id in swept.silent:
        check_life(line, call_id)
    for talk in swept.talks:
        if is_consult(talk.call_id):
            check_colleague(line, talk)
        else:
            check_leg(line, talk.agent_id, talk.call_id)
    line.switchboard.offer()


def end_wait(line: Line, call_id: str, result: str) -> None:
    """Take a waiting caller to the step's exit for `result`."""
    if is_consult(call_id):
        line.consults.cancel(line.switchboard.journal_of(call_id), "failed")
        return
    left = line.switchboard.leave(call_id, result)
    if left:
        line.outbox.push("end_wait", call_id=call_id, result=result, number=f"{int(time.time() * 1000)}")


def fetch_callers(line: Line) -> None:
    """Callers whose agent is gone and who did not come back from the room by themselves; and those who hung up there or in the queue,
    as the carrier said by the way, without telling of the call's end."""
    for call_id in line.calls.overdue_back():
        session = line.calls.load(call_id)
        if session is None or session.ended:
            continue
        talk = line.calls.talk(call_id)
        if talk.get("token") and talk.get("agent_left"):
            line.outbox.push("fetch_caller", call_id=call_id, number=str(session.turn))
        else:
            check_life(line, call_id)


def check_life(line: Line, call_id: str) -> None:
    """Ask the carrier whether a call still lives; a lost end is made up for."""
    try:
        status, seconds, ended_at = line.carrier.status(call_id)
    except CarrierError as error:
        log.info("carrier could not be asked", call_id=call_id, error=str(error))
        return
    if status in _DONE:
        call_over(line, call_id, "completed" if status == "gone" else status, seconds, inferred=True, at=ended_at)
    else:
        line.calls.alive(call_id)
        line.board.alive(call_id)


def check_leg(line: Line, agent_id: str, call_id: str) -> None:
    """An agent has been talking for very long: does the leg still live?"""
    _, talk = line.switchboard.talk_of(call_id)
    leg = talk.get("agent_leg", "")
    try:
        status, _, ended_at = line.carrier.status(leg) if leg else ("gone", None, None)
    except CarrierError as error:
        log.info("carrier could not be asked", agent=agent_id, error=str(error))
        return
    if status in _DONE:
        if talk.get("token") and talk.get("agent") == agent_id:
            line.switchboard.agent_leg_over(call_id, talk["token"], leg, status, ended_at)
        else:
            line.board.talk_ended(agent_id, call_id)


def find_lost_ends(line: Line) -> None:
    """Ends that the carrier told nobody of: one request says which calls and legs are up, and only about the others it is asked one by one."""
    calls, talks = line.calls.open_calls(), line.board.talking()
    if not calls and not talks:
        return
    try:
        live = line.carrier.live()
    except CarrierError as error:
        log.info("carrier could not be asked", error=str(error))
        return
    if live is None:
        return
    for call_id in calls:
        if call_id in live:
            line.calls.alive(call_id)
        else:
            check_life(line, call_id)
    for agent_id, call_id in talks:
        leg = "" if is_consult(call_id) else line.switchboard.talk_of(call_id)[1].get("agent_leg", "")
        if leg and leg not in live:
            check_leg(line, agent_id, call_id)


def check_colleague(line: Line, talk: Talk) -> None:
    """A colleague who was asked has been on the line for very long: does the leg still live?"""
    try:
        line.consults.check(talk)
    except CarrierError as error:
        log.info("carrier could not be asked", agent=talk.agent_id, error=str(error))


def end_consults(line: Line) -> None:
    """Callers on hold for a colleague who does not answer go on with their agent."""
    line.consults.sweep()


def reconcile(line: Line) -> None:
    """Calls without any sign of life: the carrier's word is the truth."""
    for call_id in line.calls.silent_since(time.time() - SILENT_SECONDS, limit=50):
        check_life(line, call_id)


def ask_for_records(line: Line) -> None:
    """Have the records computed that are due."""
    due = line.calls.records_due()
    if not due:
        return
    queue = Queue(worker.RECORDS, connection=worker.jobs_client(line.settings))
    for call_id in due:
        worker.ask_for_record(queue, call_id, len(line.calls.journal(call_id)))
        # Looked at again until the job has ticked it off: a job lost with its worker is asked for anew.
        line.calls.ask_record(call_id, time.time() + 20, ended=False)


def hand_out_again(line: Line) -> None:
    """Carrier commands whose clock died."""
    line.outbox.hand_out_again()


def due_callbacks(line: Line) -> None:
    """Promised callbacks whose time has come."""
    line.promises.sweep()


def keep_history(line: Line) -> None:
    """Write the floor down now and then, so that its past is found without reading all of the decision log."""
    line.board.history.keep()


def follow_configuration(line: Line) -> None:
    """Take up changes of config/: the board's agents and queues at once, speech by training in the background.

    A board that has lost its configuration (Redis came back empty) gets it again, with its agents' states (ivr.jobs.returning).
    """
    if line.follow():
        log.info("configuration taken up", agents=len(line.configuration.agents), queues=len(line.configuration.queues))
    elif not line.redis.exists(line.board.keys.of("config")):
        log.error("the board was empty: configured again")
        line.configure_board()
    returning.settle(line)
    if line.phrases_changed():
        jobs = Queue(worker.SLOW, connection=worker.jobs_client(line.settings))
        jobs.enqueue("ivr.jobs.records.train_intents", job_timeout=600, result_ttl=60)


def decide_fcr(line: Line) -> None:
    """Decide first-call resolution where its window has closed, and deliver what was announced."""
    from ivr.records.fcr import decide_fcr as decide
    from ivr.records.outbox import deliver_due

    decide(line.store, line.now())
    with httpx.Client(timeout=5.0) as client:
        deliver_due(line.store, line.now(), client)


def finish_imports(line: Line) -> None:
    """Imports whose process is gone: what was good to go is moved, the rest thrown away; a few seconds at a time."""
    from ivr.records.importing import carry_on

    carry_on(line.store, line.now(), seconds=5.0)


def run_reports(line: Line) -> None:
    """Scheduled reports of config/reports.yaml."""
    from ivr.records.schedules import run_due

    run_due(line.store, line.settings.config_dir, line.now(), line.settings.data_dir)


def keep_retention(line: Line) -> None:
    """Forget what has been kept long enough."""
    from ivr.records.retention import apply_retention

    apply_retention(line.store, line.now())
