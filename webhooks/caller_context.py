"""What is known of a caller by the time an agent answers, so that nobody asks twice."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from ivr.call import Session
from ivr.jobs.wiring import Line
from ivr.notes import Note
from ivr.records.lately import called_lately
from ivr.records.rows import mask_number, rfc3339
from ivr.redaction import redact

LATELY = timedelta(days=30)
MOST_LATELY = 5
MOST_SAID = 20
_HIDDEN = "…"


def context_of(line: Line, call_id: str, own: str | None, *, masked: bool) -> dict[str, Any] | None:
    """The context as JSON, for a call in progress or of the last day; None for others, and for calls that never reached agent `own`."""
    session = line.calls.load(call_id)
    if session is None:
        return None
    journal = line.calls.journal(call_id)
    if own is not None and not any(n.kind in ("Offered", "Connected") and n.data.get("agent") == own for n in journal):
        return None
    talk = line.calls.talk(call_id)
    handed = _handed(talk.get("handed_context")) or _handed(talk.get("context"))
    return {
        "call_id": call_id,
        "contact_id": session.contact_id,
        "who": _who(session, masked=masked),
        "why": {
            "reason": session.facts.get("call", {}).get("reason") or (session.intents[-1] if session.intents else None),
            "intents": list(session.intents),
            "also_wanted": [*session.handed_intents, *session.pending_intents],
            "handed_over": {name: handed.get(name) for name in ("by", "by_name", "note", "asked_first")} if handed else None,
        },
        "said": _said(journal),
        "tried": _tried(journal),
        "facts": _facts(line, session, masked=masked),
        "waited_seconds": _waited(line, call_id, journal),
        "queue": talk.get("queue") or next((n.data.get("queue") for n in reversed(journal) if n.kind == "Queued"), None),
        "lately": _lately(line, session),
    }


def _handed(context: str | None) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(context or "{}").get("handed_over") or {}
    except ValueError:
        return {}
    return found


def _who(session: Session, *, masked: bool) -> dict[str, Any]:
    caller, customer = session.caller, session.facts.get("customer", {})
    name = (
        customer.get("name")
        or " ".join(str(customer[part]) for part in ("first_name", "last_name") if customer.get(part))
        or caller.name
    )
    return {
        "number": mask_number(caller.number) if masked else caller.number,
        "kind": caller.kind.value,
        "attestation": caller.attestation.value,
        "customer_id": customer.get("id"),
        "name": (_HIDDEN if masked else name) if name else None,
        "segment": customer.get("segment"),
        "identified": bool(customer.get("identified", False)),
        "language": session.language,
    }


def _said(journal: list[Note]) -> list[dict[str, Any]]:
    """What the caller said or pressed, latest last; redacted when it was noted, and again here."""
    heard = [n for n in journal if n.kind == "Heard" and n.data.get("text")]
    return [{"at": rfc3339(n.at), "mode": n.data.get("mode"), "text": redact(str(n.data["text"]))} for n in heard[-MOST_SAID:]]


def _tried(journal: list[Note]) -> list[dict[str, Any]]:
    """What self-service did for the caller before: steps that look something up, answer, identify or charge."""
    words = {
        "LookedUp": ("connector", "result"),
        "Answered": ("question", "helped"),
        "Identified": ("method", "ok"),
        "Charged": ("result", "amount"),
        "GoalReached": ("goal", "confirmed"),
    }
    return [{"what": n.kind, **{name: n.data.get(name) for name in words[n.kind]}} for n in journal if n.kind in words][
        -MOST_SAID:
    ]


def _facts(line: Line, session: Session, *, masked: bool) -> dict[str, dict[str, Any]]:
    """Orders, open cases and whatever else was found out; nothing of a connector that is private."""
    configuration = line.configuration
    private = {
        fact for fact, source in configuration.facts.items()
        if source.connector in configuration.connectors and configuration.connectors[source.connector].private
    }  # fmt: skip
    left_out = {*private, "caller", "call", "today", "queue", "intent", "now"} | ({"customer"} if masked else set())
    return {
        name: {k: v for k, v in fields.items() if k != "known"} for name, fields in session.facts.items() if name not in left_out
    }


def _waited(line: Line, call_id: str, journal: list[Note]) -> float | None:
    """How long the caller waited in all queues, up to now where still waiting."""
    waited, since = 0.0, None
    for note in journal:
        if note.kind == "Queued":
            since = since or note.at
        elif note.kind == "Dequeued":
            waited += float(note.data.get("waited_seconds") or 0)
            since = None
    return round(waited + (max(0.0, (line.now() - since).total_seconds()) if since else 0.0), 1)


def _lately(line: Line, session: Session) -> dict[str, Any]:
    """The caller's contacts of the last thirty days; without a person behind the number there are none to tell of."""
    number = session.caller.number if session.caller.known_number else None
    customer_id = session.facts.get("customer", {}).get("id")
    found = called_lately(line.store, customer_id, number, line.now(), LATELY, but=session.call_id, most=MOST_LATELY)
    earlier = [{**asdict(one), "started_at": rfc3339(one.started_at)} for one in found.calls]
    return {"days": LATELY.days, "count": found.count, "calls": earlier}
