"""Carrier commands that wait to be carried out. Web processes only write them down: no caller waits for the carrier's REST API.

A command is taken by one clock at a time; one whose clock died is handed out again after `AGAIN_SECONDS`. Every command can be
carried out twice without harm, because each checks first whether it is still wanted.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import redis

from ivr import keys

AGAIN_SECONDS = 15.0


@dataclass(frozen=True)
class Command:
    """One thing to ask of the carrier. `kind` names a method of `ivr.jobs.commands.Commands`."""

    kind: str
    arguments: dict[str, Any]
    at: float = 0.0
    command_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    tries: int = 0


class Outbox:
    """The list of commands in Redis."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock

    def push(self, command: str, /, **arguments: Any) -> None:
        """Write a command down; some clock carries it out at once."""
        self._redis.lpush(keys.EFFECTS, json.dumps(asdict(Command(command, arguments, self._clock()))))

    def take(self, wait_seconds: int) -> tuple[Command, str] | None:
        """The next command with its text (for `done`), or None after `wait_seconds`."""
        text: Any = self._redis.blmove(keys.EFFECTS, keys.EFFECTS_TAKEN, wait_seconds, "RIGHT", "LEFT")
        if not text:
            return None
        return Command(**json.loads(text)), text

    def done(self, text: str) -> None:
        """The command is carried out, or given up."""
        self._redis.lrem(keys.EFFECTS_TAKEN, 1, text)

    def hand_out_again(self, most_tries: int = 3) -> int:
        """Put back what was taken too long ago; returns how many. What failed `most_tries` times is dropped: its purpose has timed out by then."""
        count = 0
        taken: Any = self._redis.lrange(keys.EFFECTS_TAKEN, 0, 499)
        for text in taken:
            command = Command(**json.loads(text))
            if self._clock() - command.at < AGAIN_SECONDS * (command.tries + 1):
                continue
            if self._redis.lrem(keys.EFFECTS_TAKEN, 1, text) and command.tries + 1 < most_tries:
                self._redis.lpush(keys.EFFECTS, json.dumps(asdict(command) | {"tries": command.tries + 1}))
                count += 1
        return count

    def length(self) -> int:
        """Commands waiting."""
        return int(self._redis.llen(keys.EFFECTS))
