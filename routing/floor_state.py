"""A floor (routing.decisions) as text, so that a past moment is reached without reading the log from its beginning."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

from pydantic import TypeAdapter

from routing.decisions import AgentRecord, Floor, WaitingState
from routing.model import Agent, Queue


@dataclass
class _State:
    agents: dict[str, Agent]
    queues: dict[str, Queue]
    records: dict[str, AgentRecord]
    waiting: dict[str, WaitingState]
    answered: dict[str, WaitingState]


_STATE = TypeAdapter(_State)


def to_text(floor: Floor) -> str:
    """The whole floor, read back by `from_text`: packed JSON, as text that any client can hold."""
    state = _State(floor.agents, floor.queues, floor.records, floor.waiting, floor.answered)
    return base64.b64encode(zlib.compress(_STATE.dump_json(state), 6)).decode()


def from_text(text: str) -> Floor:
    """The floor that `to_text` wrote."""
    state = _STATE.validate_json(zlib.decompress(base64.b64decode(text)))
    floor = Floor(state.agents.values(), state.queues.values())
    floor.records, floor.waiting, floor.answered = state.records, state.waiting, state.answered
    return floor
