"""Periodic work is done by one process at a time, however many clocks run."""

from __future__ import annotations

import uuid

import redis

from ivr import keys

_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Lease:
    """The right to do `name`, for some seconds. It belongs to a random token, not to a process id: ids are used again."""

    def __init__(self, client: redis.Redis, name: str, seconds: float) -> None:
        self._redis = client
        self._key = keys.lease(name)
        self._token = uuid.uuid4().hex
        self._milliseconds = int(seconds * 1000)
        self._renew = client.register_script(_RENEW)
        self._give_back = client.register_script(_GIVE_BACK)

    def hold(self) -> bool:
        """Take or keep the lease; False where another holds it."""
        if self._renew(keys=[self._key], args=[self._token, self._milliseconds]):
            return True
        return bool(self._redis.set(self._key, self._token, nx=True, px=self._milliseconds))

    def give_back(self) -> None:
        """Let another have it at once."""
        self._give_back(keys=[self._key], args=[self._token])
