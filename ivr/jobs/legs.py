"""Agents' legs that may still be up. Nobody's phone rings while an older leg of theirs rings, talks or is still being hung up:
the board may free an agent at once, because whoever rings the agent next ends what is left over first."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from ivr import keys

DIALLING_SECONDS = 20.0  # longer than the carrier may take to say whether it dials
WAIT_SECONDS = 6.0
_LOOK_SECONDS = 0.1
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Legs:
    """See the module. What is kept too long does no harm: the carrier says of a leg that it is over already."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._give_back = client.register_script(_GIVE_BACK)

    def began(self, agent_id: str, leg_id: str, token: str) -> None:
        """The carrier dials, rings or connects this leg; `token` is the offer it is for."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.legs(agent_id), leg_id, token)
            pipe.expire(keys.legs(agent_id), keys.LIFE_SECONDS)
            pipe.execute()

    def over(self, agent_id: str, leg_id: str) -> None:
        """The carrier said that this leg is over."""
        self._redis.hdel(keys.legs(agent_id), leg_id)

    def up(self, agent_id: str) -> dict[str, str]:
        """The agent's legs of which no end is known, each with the token of its offer."""
        found: Any = self._redis.hgetall(keys.legs(agent_id))
        return dict(found)

    @contextmanager
    def dialling(self, agent_id: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[bool]:
        """The right to dial the agent's phone; False where another process is still at it after `wait_seconds`. One that died while
        it dialled is in the way for DIALLING_SECONDS: the carrier may just have begun to ring."""
        mine, key = uuid.uuid4().hex, keys.dialling(agent_id)
        until = time.monotonic() + wait_seconds
        while not (alone := bool(self._redis.set(key, mine, nx=True, px=int(DIALLING_SECONDS * 1000)))):
            if time.monotonic() >= until:
                break
            time.sleep(_LOOK_SECONDS)
        try:
            yield alone
        finally:
            if alone:
                self._give_back(keys=[key], args=[mine])
