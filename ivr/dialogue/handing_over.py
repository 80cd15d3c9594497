"""What goes along when a caller is handed to a person: needs, priority and the context, so that nobody asks twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivr.dialogue.progress import Progress
from ivr.language.values import Valued

HEAD_START_SECONDS = 10.0
"""One point of priority is so many seconds' head start over a caller who arrived at the same moment."""
MOST_TRIED = 12
_NOT_HANDED_OVER = frozenset({"call", "caller", "today", "intent", "queue", "now"})


def queue_waited_in(progress: Progress) -> Any:
    """The queue step the caller waited in last, or None."""
    return progress.last_queue_step()


def rings_of(step: Any) -> tuple[tuple[float, dict[str, int]], ...]:
    """Later, wider needs: (seconds waited, needs)."""
    return tuple((ring.after_seconds, dict(ring.needs)) for ring in step.relax)


def head_start_of(step: Any, progress: Progress) -> float:
    """Seconds of head start: the first priority whose condition holds."""
    valued: tuple[Valued, ...] = step.priority
    for entry in valued:
        if progress.holds(entry.when):
            return entry.value * HEAD_START_SECONDS
    return 0.0


def customer_name(customer: Mapping[str, Any]) -> str | None:
    """The customer's name as far as known: `name`, else first and last name."""
    name = customer.get("name") or " ".join(str(customer[part]) for part in ("first_name", "last_name") if customer.get(part))
    return str(name) if name else None


def context_of(progress: Progress) -> dict[str, object]:
    """What the agent shall know: who calls, why, what was said and tried, what is open. Plain JSON, without secrets."""
    session = progress.session
    customer = progress.kept.get("customer", {})
    tried = [place for place in progress.visits if not place.startswith("_")][-MOST_TRIED:]
    return {
        "caller": session.caller.number,
        "attestation": session.caller.attestation.value,
        "customer_name": customer_name(customer),
        "customer": {name: value for name, value in customer.items() if name != "known"} or None,
        "identified": bool(customer.get("identified", False)),
        "language": session.language,
        "reason": progress.kept.get("call", {}).get("reason") or (session.intents[-1] if session.intents else None),
        "intents": list(session.intents),
        "also_wanted": list(session.pending_intents),
        "said": session.last_heard,
        "tried": tried,
        "facts": {
            root: dict(fields) for root, fields in progress.kept.items() if root not in _NOT_HANDED_OVER and root != "customer"
        },
        "repeat": bool(progress.kept.get("caller", {}).get("repeat", False)),
        "calls_today": progress.kept.get("caller", {}).get("calls_today"),
        "asked_at_step": session.frame.step,
    }
