"""After the talk: the agent's wrap-up ends by key, by API or by the clock, and is noted with the call."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routing.model import Swept, WrappedUp

if TYPE_CHECKING:
    from ivr.jobs.switchboard import Switchboard


class WrapUps:
    """Wrap-ups of the agents of a switchboard."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    def begins(self, agent_id: str, waiting_id: str, leg_id: str, *, vanished: bool) -> None:
        """A talk is over. An agent who `vanished` has nothing to wrap up, and gets no offers until there is a sign of life."""
        if vanished:
            self.vanished(agent_id)
        begun = self._switchboard.board.talk_ended(agent_id, waiting_id)
        if begun is not None and begun.ends_at <= begun.started_at:
            # Nothing will end it later, and the record waits for its end. The leg may still be asking whether it was solved.
            none = WrappedUp(agent_id, waiting_id, leg_id, begun.started_at, begun.started_at, capped=False)
            self.over([none], by_keypad=True)

    def vanished(self, agent_id: str) -> None:
        """An agent's phone broke off."""
        self.settle(self._switchboard.board.vanished(agent_id, "the phone broke off"))

    def settle(self, swept: Swept) -> None:
        """Tell what became of the offers and wrap-ups that the board ended by itself."""
        for released in swept.released:
            self._switchboard.released(released)
            if released.leg_id:
                self._switchboard.outbox.push("hang_up", leg_id=released.leg_id)
        self.over(swept.wrapped_up)

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
            self.done(agent, None, resolved, by_keypad=True)

    def done(self, agent_id: str, disposition: str | None, resolved: bool | None, *, by_keypad: bool = False) -> bool:
        """An agent finished wrapping up; False where there was nothing to finish. `by_keypad`: on the leg, which ends by itself."""
        done = self._switchboard.board.wrap_up_done(agent_id, disposition=disposition, resolved=resolved)
        if done:
            self.over([done], by_keypad=by_keypad)
            self._switchboard.offer()
        return done is not None

    def over(self, wrap_ups: Iterable[WrappedUp], *, by_keypad: bool = False) -> None:
        """Note wrap-ups that ended; their calls' records are computed again. A leg on which the agent still hears whether it was
        solved, or waits for somebody who has gone, ends: the next call may ring at once."""
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
            if wrap.leg_id and not by_keypad:
                self._switchboard.outbox.push("end_agent_leg", leg_id=wrap.leg_id, agent_id=wrap.agent_id)
            self._switchboard.calls.ask_record(self._switchboard.journal_of(call_id), ended=False)
