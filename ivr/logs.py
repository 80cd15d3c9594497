"""Logging: one line an event, key and value, with secrets and card numbers taken out last of all."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from ivr.redaction import redact

_SECRET_KEYS = frozenset({"token", "auth_token", "secret", "password", "authorization", "pin", "digits", "api_token"})
_LONGEST = 4000


def without_secrets(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor: nothing that it lets through holds a card number, a PIN or a secret."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "…"
        elif isinstance(value, str):
            event[key] = redact(value)[:_LONGEST]
    return event


def configure(level: str = "info") -> None:
    """Plain lines on standard error, from `level` up. Tracebacks come without variables: those would hold callers' words."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
