"""What callers said, for whoever teaches the intents: taken from journals, kept apart from them, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ivr.notes import Note

_RESULT = {"Understood": "understood", "Unsure": "unsure", "NotUnderstood": "not_understood"}
_OUTCOMES = frozenset(
    {
        "Queued",
        "Connected",
        "GoalReached",
        "Answered",
        "Charged",
        "VoicemailLeft",
        "CallbackPlaced",
        "CallbackMoved",
        "TransferStarted",
    }
)
"""Notes that say that a wish led somewhere."""


def collect_utterances(notes: Sequence[Note], queue: str | None) -> list[dict[str, Any]]:
    """One row per spoken answer that was looked at for an intent. `queue`: where the call ended up, a hint at what was meant.

    An understood one that the caller then said no to is "corrected", one that they said yes to "confirmed"; one after which they
    hung up before anything came of it is "abandoned".
    """
    rows: list[dict[str, Any]] = []
    heard: Note | None = None
    came_of_it = False
    for note in notes:
        came_of_it = note.kind not in _RESULT and (came_of_it or note.kind in _OUTCOMES)
        if note.kind == "Heard" and note.data.get("mode") == "speech":
            heard = note
        elif note.kind in _RESULT:
            text = note.data.get("text") or (
                heard.data.get("text") if heard is not None and heard.data.get("step") == note.data.get("step") else None
            )
            if text and note.data.get("band") != "key":
                rows.append(_row(note, heard, str(text), queue))
            heard = None
        elif note.kind == "Corrected" and rows:
            rows[-1]["result"] = "corrected"
        elif note.kind == "LeftFlow" and note.data.get("reason") == "hung_up_by_caller":
            hung_up_here = bool(rows) and not came_of_it
            if hung_up_here and rows[-1]["result"] in ("understood", "confirmed"):
                rows[-1]["result"] = "abandoned"
    return rows


def _row(note: Note, heard: Note | None, text: str, queue: str | None) -> dict[str, Any]:
    candidates = note.data.get("candidates") or [[None, None]]
    best, confidence = candidates[0][0], candidates[0][1]
    result = "confirmed" if note.data.get("band") in ("confirmed", "choice") else _RESULT[note.kind]
    return {
        "call_id": note.call_id,
        "seq": note.seq,
        "at": note.at,
        "language": heard.data.get("language") if heard else None,
        "step": note.data.get("step"),
        "text": text[:500],
        "best": note.data.get("intent") or note.data.get("best") or best,
        "confidence": note.data.get("confidence", confidence),
        "result": result,
        "queue": queue,
    }
