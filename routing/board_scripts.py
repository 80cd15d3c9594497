"""The board's Lua scripts: read from routing/lua, completed with the group's keys, called by their hash."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import redis

from routing.keys import Keys
from routing.policies import OCCUPANCY_STEP

LOG_LENGTH = 200_000  # entries of the decision log kept: about a day of a busy group

# operation -> the parts it stands on, in order
_PARTS: dict[str, tuple[str, ...]] = {
    "enter": ("calls",),
    "leave": ("agents", "calls", "releases"),
    "match": ("calls",),
    "hold": (),
    "ringing": (),
    "accept": ("agents", "calls", "releases"),
    "release": ("agents", "calls", "releases"),
    "ended": ("agents",),
    "wrapped": ("agents",),
    "presence": ("agents",),
    "silent": ("agents", "vanish"),
    "vanished": ("agents", "vanish"),
    "beat": ("agents",),
    "ready": ("agents",),
    "open": ("calls",),
    "configure_agent": ("agents",),
    "configure_queue": (),
    "retire_agent": ("agents",),
    "join": ("agents",),
    "intern": (),
    "complete": (),
    "forget": (),
    "agent": (),
    "promise": (),
    "promise_due": (),
    "dial": (),
    "dial_ended": (),
    "promise_change": (),
}


@cache
def _source(name: str) -> str:
    return resources.files("routing").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def text_of(value: Any) -> Any:
    """An answer of Redis with bytes as text, whatever the client decodes."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [text_of(one) for one in value]
    if isinstance(value, dict):
        return {text_of(key): text_of(one) for key, one in value.items()}
    return value


class Scripts:
    """Calls the scripts of one group by EVALSHA; a server that does not know one yet is given it and asked again."""

    def __init__(self, client: redis.Redis, keys: Keys, clock: Callable[[], float] | None) -> None:
        self._keys, self._clock = keys, clock
        self._scripts = {name: client.register_script(self.rendered(name)) for name in _PARTS}

    def rendered(self, name: str) -> str:
        """The script as the server gets it."""
        constants = {"$LOG_LENGTH": str(LOG_LENGTH), "$OCCUPANCY_STEP": str(int(OCCUPANCY_STEP))}
        text = "\n".join(_source(part) for part in ("clock", *_PARTS[name], name))
        for word, value in constants.items():
            text = text.replace(word, value)
        return self._keys.fill(text)

    def run(self, name: str, *arguments: str | int | float) -> Any:
        """The answer of script `name`, as text. The one key given is the group's: a cluster finds the node by it."""
        stamp = "" if self._clock is None else repr(float(self._clock()))
        return text_of(self._scripts[name](keys=[self._keys.of("config")], args=[stamp, *(_exact(one) for one in arguments)]))


def _exact(value: str | int | float) -> str:
    return repr(value) if isinstance(value, float) else str(value)
