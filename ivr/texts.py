"""What became of a text message, in the carrier's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextNews:
    """One stage of a message that we sent: `status` is queued, sent, delivered, undelivered, failed …; `code` says why it did not arrive
    (0: the carrier did not say). `number` is its reader's, in E.164."""

    message_id: str
    number: str
    status: str
    code: int = 0
