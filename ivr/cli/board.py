"""`ivr board`, `ivr callbacks` and the answer of `ivr calls why`: the floor for people at a terminal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from ivr.cli.live_board import clock_time, in_sentences, moment_of, opened
from ivr.cli.records_store import AS_JSON, opened_store, show_json, show_table
from ivr.errors import IvrError
from ivr.jobs.reasons import why
from ivr.records.past_board import board_at
from ivr.sessions import Calls
from routing.board import Board
from routing.model import BoardNow


@click.command()
@click.option("--at", "moment", help="The floor at a past moment: an RFC 3339 time, such as 2026-11-22T10:15:30Z.")
@AS_JSON
@in_sentences
def board(moment: str | None, as_json: bool) -> None:
    """Queues and agents, now or at a past second.

    The past is replayed from the decision log, which holds about the last day; before that it is put together from the records.

    Example: ivr board --at 2026-11-22T10:15:30Z
    """
    with opened() as (live, _, _):
        if moment is not None:
            past = _past(live, moment_of(moment))
            show_json(past) if as_json else _show_past(past)
            return
        now = live.snapshot()
    show_json(asdict(now)) if as_json else _show_now(now)


def _show_now(now: BoardNow) -> None:
    show_table(
        f"Queues at {clock_time(now.at)}",
        ("queue", "open", "waiting", "callbacks", "longest wait", "signed in", "free"),
        [
            (q.queue_id, "yes" if q.open else "no", q.waiting, q.callbacks, _seconds(q.longest_wait_seconds), q.staffed, q.free)
            for q in now.queues
        ],
    )
    show_table(
        "Agents",
        ("agent", "name", "state", "for", "reason", "call"),
        [
            (a.agent_id, a.name, a.state.value.replace("_", " "), _seconds(now.at - a.since), a.reason or "", ", ".join(a.calls))
            for a in now.agents
        ],
    )
    if now.waiting:
        show_table(
            "Waiting",
            ("queue", "place", "call", "kind", "waited", "ringing at"),
            [(w.queue, w.position, w.call_id, w.kind, _seconds(w.waited_seconds), ", ".join(w.offered_to)) for w in now.waiting],
        )


def _past(live: Board, at: float) -> dict[str, Any]:
    """From the decision log, or where that no longer reaches back so far from the records of calls and agents."""
    floor = live.history.at(at)
    if floor is None:
        return _recorded(live, at)
    waiting = sorted(floor.waiting.values(), key=lambda state: state.call.arrived_at)
    return {
        "at": at,
        "from": "decisions",
        "agents": [
            {"agent_id": name, "state": record.state.value, "calls": sorted(record.held)}
            for name, record in sorted(floor.records.items())
        ],
        "waiting": [
            {
                "queue": state.call.queue,
                "call_id": state.call.call_id,
                "kind": state.call.kind,
                "waited_seconds": at - state.call.arrived_at,
            }
            for state in waiting
        ],
    }


def _recorded(live: Board, at: float) -> dict[str, Any]:
    with opened_store() as store:
        past = board_at(store, datetime.fromtimestamp(at, UTC))
    if not past.agents and not past.waiting:
        oldest = live.log.oldest()
        begins = f"it begins at {clock_time(oldest.at)}" if oldest else "it is empty"
        raise click.UsageError(
            f"the decision log does not reach back to {clock_time(at)}, {begins}; nor is anything recorded of that moment"
        )
    return {
        "at": at,
        "from": "records",
        "agents": [
            {"agent_id": one.agent, "state": one.state, "calls": [one.call_id] if one.call_id else []} for one in past.agents
        ],
        "waiting": [
            {"queue": one.queue, "call_id": one.call_id, "kind": "call", "waited_seconds": one.waited_seconds}
            for one in past.waiting
        ],
    }


def _show_past(past: dict[str, Any]) -> None:
    show_table(
        f"Agents at {clock_time(past['at'])}",
        ("agent", "state", "call"),
        [(row["agent_id"], row["state"].replace("_", " "), ", ".join(row["calls"])) for row in past["agents"]],
    )
    show_table(
        "Waiting",
        ("queue", "call", "kind", "waited"),
        [(row["queue"], row["call_id"], row["kind"], _seconds(row["waited_seconds"])) for row in past["waiting"]],
    )


def show_why(call: str, as_json: bool) -> None:
    """What `ivr calls why` prints: the call's way through routing, with the reasons at each step."""
    with opened() as (live, client, _):
        found = why(live, Calls(client), _row_of, call)
    if found is None:
        raise IvrError(f"call {call} is not in the decision log: it never waited in a queue, or longer ago than the log reaches")
    show_json(found) if as_json else click.echo(found["words"])


def _row_of(call: str) -> dict[str, Any] | None:
    with opened_store() as store:
        return store.row(call)


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
