"""After the talk: the agent's wrap-up ends by key, by API or by the clock, and is noted with the call."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routing.model import WrappedUp

if TYPE_CHECKING:
    from ivr.jobs.switchboard import Switchboard


class WrapUps:
    """Wrap-ups of the agents of a switchboard."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    def said_by_keypad(self, call_id: str, token: str, leg_id: str, *, resolved: bool) -> None:
        """The agent said by key whether it was solved: the wrap-up is over."""
        agent = next(
            (
                n.data.get("agent")
                for n in reversed(self._switchboard.calls.journal(call_id))
                if n.kind == "LegEnded" and n.data.get("leg_id") == leg_id
            ),
            None,
        )
        if agent:
            self.done(agent, None, resolved)

    def done(self, agent_id: str, disposition: str | None, resolved: bool | None) -> bool:
        """An agent finished wrapping up; False where there was nothing to finish."""
        done = self._switchboard.board.wrap_up_done(agent_id, disposition=disposition, resolved=resolved)
        if done:
            self.over([done])
            self._switchboard.offer()
        return done is not None

    def over(self, wrap_ups: Iterable[WrappedUp]) -> None:
        """Note wrap-ups that ended; their calls' records are computed again."""
        for wrap in wrap_ups:
            call_id, _ = self._switchboard.talk_of(wrap.call_id)
            self._switchboard.note(
                call_id,
                "WrappedUp",
                happening=f"wrapped:{wrap.leg_id or wrap.agent_id}:{wrap.started_at:.3f}",
                at=wrap.ended_at,
                leg_id=wrap.leg_id,
                agent=wrap.agent_id,
                started_at=datetime.fromtimestamp(wrap.started_at, UTC).isoformat(),
                ended_at=datetime.fromtimestamp(wrap.ended_at, UTC).isoformat(),
                seconds=round(wrap.seconds, 3),
                capped=wrap.capped,
                disposition=wrap.disposition,
                resolved=wrap.resolved,
            )
            self._switchboard.calls.ask_record(self._switchboard.journal_of(call_id), ended=False)
