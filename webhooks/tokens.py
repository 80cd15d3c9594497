"""Bearer tokens on requests: who asks, may they, and not too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from flask import Request

from ivr.errors import AccessDenied
from ivr.records.store import Store
from ivr.records.tokens import SCOPES, Access, check_token
from webhooks.api.problems import Problem


class TokenGate:
    """Lets requests in by their token. `per_minute` limits one token's requests in this process (0: no limit)."""

    def __init__(self, store: Store, clock: Callable[[], datetime], per_minute: int) -> None:
        self._store = store
        self._clock = clock
        self._per_minute = per_minute
        self._lock = Lock()
        self._asked: dict[str, tuple[float, float]] = {}  # token id -> (tokens left in the bucket, when)

    def admit(self, request: Request, *scopes: str) -> Access:
        """The access behind a request that carries one of `scopes`. Raises Problem: no-token, bad-token, missing-scope, too-many."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            challenge = {"WWW-Authenticate": 'Bearer realm="ivr"'}
            raise Problem(
                "no-token",
                "send the header `Authorization: Bearer ivr_…`; make a token with `ivr token create`",
                headers=challenge,
            )
        try:
            access = check_token(self._store, text.strip(), self._clock())
        except AccessDenied as error:
            raise Problem(
                "bad-token", str(error), headers={"WWW-Authenticate": 'Bearer realm="ivr", error="invalid_token"'}
            ) from None
        if not any(access.may(scope) for scope in scopes):
            challenge = {"WWW-Authenticate": f'Bearer realm="ivr", error="insufficient_scope", scope="{scopes[0]}"'}
            raise Problem(
                "missing-scope", f"the token lacks the scope {scopes[0]}: {SCOPES[scopes[0]]}", headers=challenge, scope=scopes[0]
            )
        self._slow_down(access.token_id)
        return access

    def _slow_down(self, token_id: str) -> None:
        if not self._per_minute:
            return
        now = time.monotonic()
        with self._lock:
            if len(self._asked) > 10_000:
                self._asked.clear()
            left, at = self._asked.get(token_id, (float(self._per_minute), now))
            left = min(float(self._per_minute), left + (now - at) * self._per_minute / 60)
            self._asked[token_id] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            wait = max(1, round((1 - left) * 60 / self._per_minute))
            raise Problem(
                "too-many", f"more than {self._per_minute} requests a minute with this token", headers={"Retry-After": str(wait)}
            )
