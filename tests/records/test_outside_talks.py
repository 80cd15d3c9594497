"""Talks with numbers outside: told by the record, and part of nobody's handle time."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from ivr.notes import Note
from ivr.records.compute import compute_record
from ivr.records.record import CallRecord, Outcome
from ivr.records.saving import close_call
from tests.records.conftest import NOW, MakeStore

_numbers = itertools.count(1)


def _notes(*told: tuple[float, str, dict[str, Any]]) -> list[Note]:
    number = next(_numbers)
    arrived = (0.0, "Arrived", {"from_number": f"+4477009000{number:02}", "caller_kind": "phone"})
    return [
        Note(f"CA{number}", kind, NOW + timedelta(seconds=after), data, seq)
        for seq, (after, kind, data) in enumerate((arrived, *told), 1)
    ]


def _record(*told: tuple[float, str, dict[str, Any]]) -> CallRecord:
    return compute_record(_notes(*told))


TALK = (10.0, "Connected", {"queue": "general", "agent": "ana", "leg_id": "L1"})
OVER = {"leg_id": "L1", "agent": "ana", "reason": "transferred"}


def _started(*, warm: bool, leg_id: str | None = "L1", agent: str | None = "ana") -> dict[str, Any]:
    return {"leg_id": leg_id, "agent": agent, "to_kind": "number", "to": "head_office", "warm": warm}


def test_asked_first_it_lasts_until_either_side_is_gone() -> None:
    told = (
        TALK,
        (60.0, "TransferStarted", _started(warm=True)),
        (80.0, "LegEnded", OVER),
        (80.0, "TransferEnded", {"leg_id": "L1", "result": "completed"}),
    )
    wrapped = (95.0, "WrappedUp", {"leg_id": "L1", "agent": "ana", "seconds": 15.0})
    gone = (200.0, "LegEnded", {"leg_id": "O1", "agent": "", "reason": "agent_hung_up"})
    record = _record(*told, wrapped, gone, (230.0, "Ended", {"ended_by": "system"}))
    [talk] = record.outside
    assert (talk.to, talk.by, talk.warm, talk.seconds) == ("head_office", "ana", True, 120.0)
    assert (len(record.legs), record.talk_seconds, record.handle_seconds, record.transfers) == (1, 70.0, 85.0, 1)
    [talk] = _record(*told, (140.0, "Ended", {"ended_by": "caller"})).outside  # nobody told of the outside leg's end
    assert talk.seconds == 60.0
    [talk] = _record(*told).outside  # still talking
    assert (talk.ended_at, talk.seconds) == (None, 0.0)


def test_dialled_without_asking_the_carrier_tells_the_seconds() -> None:
    told = (TALK, (60.0, "TransferStarted", _started(warm=False)), (60.0, "LegEnded", OVER))
    ended = {"leg_id": "L1", "result": "completed", "seconds": 90.0}
    [talk] = _record(*told, (160.0, "TransferEnded", ended), (170.0, "Ended", {"ended_by": "system"})).outside
    assert (talk.by, talk.warm, talk.seconds, talk.started_at) == ("ana", False, 90.0, NOW + timedelta(seconds=70))
    record = _record(*told, (160.0, "Ended", {"ended_by": "caller"}), (163.0, "TransferEnded", ended))  # told after the end
    assert (record.outside[0].ended_at, record.handle_seconds) == (NOW + timedelta(seconds=160), 50.0)
    assert _record(*told, (70.0, "TransferEnded", {"leg_id": "L1", "result": "failed", "seconds": None})).outside == ()


def test_connected_by_the_flow_it_is_nobodys_leg(make_store: MakeStore) -> None:
    notes = _notes(
        (20.0, "TransferStarted", _started(warm=False, leg_id=None, agent=None)),
        (80.0, "TransferEnded", {"leg_id": None, "result": "completed", "seconds": 45.0}),
        (80.0, "Ended", {"ended_by": "caller"}),
    )
    store = make_store()
    record = close_call(store, notes, NOW + timedelta(hours=1))
    assert (record.outcome, record.legs, record.handled) == (Outcome.TRANSFERRED_OUT, (), False)
    row = store.row(notes[0].call_id)
    assert row is not None and row["legs"] == [] and row["handle_seconds"] == 0
    [talk] = row["outside_talks"]
    assert (talk["to"], talk["by"], talk["seconds"]) == ("head_office", None, 45.0)
