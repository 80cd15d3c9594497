"""What the API needs from the rest of the program, handed over by whoever puts the program together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ivr.records.store import Store, utc_now


class NotThere(Exception):
    """What was named does not exist: 404. `str(error)` says what was looked for."""


class NotNow(Exception):
    """It exists, and what was asked does not fit its present state: 409. `current` is that state, as JSON."""

    def __init__(self, message: str, current: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.current = dict(current or {})


class NotRight(Exception):
    """What was sent cannot be used: 422. `problems` are lines for a person, e.g. lint problems; `allowed` what may stand there."""

    def __init__(self, message: str, problems: tuple[str, ...] = (), allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems
        self.allowed = allowed


class Live(Protocol):
    """Queues and agents now. Answers are JSON values; every method may raise StoreUnavailable."""

    def snapshot(self) -> dict[str, Any]:
        """`{"at", "queues": [...], "agents": [...]}`."""

    def changes(self) -> Iterator[dict[str, Any]]:
        """Snapshots as things change, at least one every few seconds; ends when the program stops."""

    def agents(self) -> list[dict[str, Any]]:
        """Every agent with state, team, skills."""

    def agent(self, agent_id: str) -> dict[str, Any]:
        """One agent. Raises NotThere."""

    def heartbeat(self, agent_id: str) -> dict[str, Any]:
        """The agent's browser is there; gives the agent as it stands now. Raises NotThere."""

    def set_agent_state(self, agent_id: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        """Carry out `{"state": …}` of interface.md and give the new state. Raises NotThere, NotNow, NotRight."""


class Callbacks(Protocol):
    """Promised callbacks."""

    def all_callbacks(self, state: str | None) -> list[dict[str, Any]]:
        """All, or those in one state."""

    def change(self, callback_id: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        """Move to another time or queue: `{"at"?, "queue"?}`. Raises NotThere, NotNow, NotRight."""

    def cancel(self, callback_id: str, by: str) -> None:
        """Raises NotThere, NotNow."""


class Talks(Protocol):
    """Conversations in progress. `own`: the agent whose conversations alone are concerned; None for all.

    Every method gives the conversation as it then stands, and raises NotThere (no such call), NotNow (it does not fit the
    conversation as it stands), NotRight (a name that means nothing).
    """

    def talk(self, call_id: str, own: str | None) -> dict[str, Any]:
        """The conversation of a call."""

    def hold(self, call_id: str, held: bool, own: str | None) -> dict[str, Any]:
        """Put the caller on hold or take the caller back."""

    def pause_recording(self, call_id: str, paused: bool, own: str | None) -> dict[str, Any]:
        """Pause the recording or let it go on."""

    def hand_on(self, call_id: str, wanted: dict[str, Any], by: str, own: str | None) -> dict[str, Any]:
        """Hand the caller on: `{"kind", "name", "needs", "ask_first", "note"}`."""

    def complete(self, call_id: str, own: str | None) -> dict[str, Any]:
        """Leave the caller to the colleague who was asked."""

    def cancel(self, call_id: str, own: str | None) -> dict[str, Any]:
        """Go on with the caller."""

    def conclude(self, call_id: str, disposition: str | None, resolved: bool | None, own: str | None) -> dict[str, Any]:
        """What came of the talk."""

    def supervise(self, call_id: str, mode: str, supervisor: str, by: str) -> dict[str, Any]:
        """Ring `supervisor` into the conversation, or change the mode."""

    def leave_supervision(self, call_id: str) -> dict[str, Any]:
        """The supervisor goes."""

    def context(self, call_id: str, own: str | None, *, masked: bool) -> dict[str, Any]:
        """What is known of the caller. Raises NotThere."""


class Flows(Protocol):
    """Flows and their revisions."""

    def all_flows(self) -> list[dict[str, Any]]:
        """Flows with the revision in force."""

    def get(self, name: str, revision: str | None) -> dict[str, Any]:
        """A flow's files: of a revision, or the draft where there is one. Raises NotThere."""

    def save_draft(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        """Keep a draft and give its lint problems. Raises NotThere, NotNow (edited meanwhile), NotRight."""

    def revisions(self, name: str) -> list[dict[str, Any]]:
        """Newest first. Raises NotThere."""

    def publish(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        """Publish the draft: `{"note"}`. Raises NotThere, NotRight with the lint problems."""

    def rollback(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        """Go back: `{"revision"?, "note"?}`. Raises NotThere, NotRight."""


@dataclass(frozen=True)
class ApiContext:
    """Everything behind the API. What is None answers 503 "not available here"."""

    store: Store
    clock: Callable[[], datetime] = utc_now
    live: Live | None = None
    callbacks: Callbacks | None = None
    flows: Flows | None = None
    talks: Talks | None = None
    calls_per_minute: int = 600  # of one token, per process; 0: no limit
    why: Callable[[str], dict[str, Any] | None] | None = None  # why a call went to whom
