"""The conversations of tests/calls and flows/tests once more, this time over HTTP: every request signed, every document TwiML.

Left out are those that a rehearsal alone can be given: another day, outcomes, minutes in a queue, `only: engine`.
"""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ivr.embedded import start_redis
from ivr.flow_trials import Trial, read_trials
from ivr.flow_trials.running import check_notes, check_record
from routing.model import AgentState
from tests.calls.served import REPOSITORY, served_in
from tests.line.conversing import Conversation, can_be_acted, has_talk
from tests.line.running import running

TRIALS = [
    trial
    for trial in read_trials([REPOSITORY / "tests" / "calls" / "clinic", REPOSITORY / "flows" / "tests"], REPOSITORY)[0]
    if can_be_acted(trial)
]
SIDE_BY_SIDE = 6
SPEED = 40.0
TOLD_SECONDS = 3.0  # by how much a webhook may be late on a busy machine
SUPPORT = "+442079460000"
_LINE = re.compile(r'^"(?:[^"\\]|\\.)*":', re.MULTILINE)


def _line_in(folder: Path) -> tuple[Path, Path, dict[str, str]]:
    """Flows of the tests and of the sample line together, with queues that are open whatever day it is."""
    served = served_in(folder)
    prompts = served.flows / "prompts" / "es-ES.yaml"
    own = prompts.read_text(encoding="utf-8")
    shutil.copytree(REPOSITORY / "flows", served.flows, dirs_exist_ok=True)
    shutil.rmtree(served.flows / "tests")
    sample = prompts.read_text(encoding="utf-8")
    known = set(_LINE.findall(sample))
    more = [line for line in own.splitlines() if (found := _LINE.match(line)) and found[0] not in known]
    prompts.write_text("\n".join([sample, *more, ""]), encoding="utf-8")
    queues = served.config / "queues.yaml"
    queues.write_text(queues.read_text(encoding="utf-8").replace("hours: weekdays", "hours: always"), encoding="utf-8")
    return served.flows, served.config, {**served.numbers, "support": SUPPORT}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, list[str]]:
    """Every conversation, acted once; what did not hold by title. Records are computed when all are over: nobody becomes a repeat caller."""
    folder = tmp_path_factory.mktemp("conversations")
    flows, config, numbers = _line_in(folder)
    redis_server = start_redis(folder / "redis", keep=False)
    outcomes: dict[str, list[str]] = {}
    with running(
        folder,
        redis_server.url,
        models,
        people={"client:*": {"answers_after": "1s"}},
        speed=SPEED,
        IVR_FLOWS_DIR=str(flows),
        IVR_CONFIG_DIR=str(config),
    ) as service:
        for agent_id in service.line.configuration.agents:
            service.line.board.set_state(agent_id, AgentState.BREAK)

        def act(trial: Trial) -> Conversation:
            conversation = Conversation(service, trial, numbers.get(trial.flow, SUPPORT))
            outcomes[str(trial.at)] = conversation.run()
            return conversation

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            conversations = list(pool.map(act, [trial for trial in TRIALS if not has_talk(trial)]))
        conversations += [act(trial) for trial in TRIALS if has_talk(trial)]
        service.until(lambda: service.line.calls.open_count() == 0)
        service.work()
        for conversation in conversations:
            outcomes[str(conversation.trial.at)] += _afterwards(service, conversation)
        assert service.carrier.own_errors() == []
    redis_server.stop()
    return outcomes


def _afterwards(service: Any, conversation: Conversation) -> list[str]:
    """What journal and record say, against the conversation's own words and the carrier's truth."""
    trial, truth = conversation.trial, conversation.truth
    assert truth is not None
    notes = service.line.calls.journal(conversation.sid)
    failures = [str(failure) for failure in check_notes(_as_recognised(trial), notes)]
    if conversation.sid in service.line.calls.open_calls():
        failures.append(f"the call is over and still open: {service.journal(conversation.sid)}")
    failures += [f"something broke: {note.data}" for note in notes if note.kind == "Failed"]
    row = service.line.store.row(conversation.sid)
    if row is None:
        return [*failures, "there is no record"]
    # Lengths are the carrier's word: time is compressed.
    failures += [str(failure) for failure in check_record(trial, row) if "_seconds" not in str(failure)]
    for name, at in (("started_at", truth.created_at), ("ended_at", truth.ended_at)):
        if at is None or abs((row[name] - at) / timedelta(seconds=1)) > TOLD_SECONDS:
            failures.append(f"{name} is {row[name]}, the carrier says {at}")
    if abs((row["talk_seconds"] or 0) - truth.talk_seconds) > TOLD_SECONDS:
        failures.append(f"talk_seconds is {row['talk_seconds']}, the carrier says {truth.talk_seconds}")
    return failures


def _as_recognised(trial: Trial) -> Trial:
    """Without the wording of what was heard: the recogniser writes `Yes.` where the trial says yes."""
    notes = [
        (kind, {name: value for name, value in fields.items() if name != "text" or kind not in ("Heard", "NotUnderstood")})
        for kind, fields in trial.notes
    ]
    return replace(trial, notes=tuple(notes))


def test_there_are_many() -> None:
    assert len(TRIALS) >= 60


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.title)
def test_conversation(trial: Trial, outcomes: dict[str, list[str]]) -> None:
    assert outcomes[str(trial.at)] == []
