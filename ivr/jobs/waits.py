"""How a caller waits, as text beside the conversation: whoever has to put the caller back into the queue reads it there."""

from __future__ import annotations

import json
from dataclasses import asdict

from ivr.actions import Wait


def to_json(wait: Wait) -> str:
    """The wait as JSON, read back by `from_json`."""
    return json.dumps(asdict(wait))


def from_json(text: str) -> Wait:
    """The wait that `to_json` wrote."""
    plain = json.loads(text)
    return Wait(**{**plain, "rings": tuple((after, needs) for after, needs in plain["rings"])})
