"""Step-up identification: a PIN or an order number proves that callers are who their number says.

Tries are limited per call, per caller and per account, counted before anything is compared. An account that does not exist costs
the same time and gets the same answer as a wrong secret. Secrets are compared here and kept nowhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ivr.call import Session
from ivr.configuration.model import Configuration, Proof
from ivr.configuration.sources import TYPED
from ivr.connectors import Connectors
from ivr.records.store import Store
from ivr.records.tries import FailedTries

WITHIN_SECONDS = 1.5
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id as OWASP recommends for interactive use: about 30 ms, so that a stolen table of four digit PINs is not free to try."""

# What an unknown account is compared with, so that the answer takes as long as for a known one.
_NOBODY = HASHER.hash("no account has this secret")


class Ledger(Protocol):
    """Where tries are counted; see `ivr.records.tries.FailedTries`."""

    def take(self, subjects: Sequence[tuple[str, int, timedelta]], now: datetime) -> bool: ...
    def give_back(self, subjects: Sequence[str], now: datetime) -> None: ...
    def left(self, subjects: Sequence[tuple[str, int, timedelta]], now: datetime) -> int: ...


class Identification:
    """Checks secrets as config/connectors.yaml says under `identification`."""

    def __init__(self, configuration: Configuration, connectors: Connectors, store: Store, ledger: Ledger | None = None) -> None:
        self._rules, self._connectors = configuration.identification, connectors
        self._ledger: Ledger = ledger or FailedTries(store)

    def check(self, session: Session, method: str, value: str, now: datetime) -> tuple[bool, int]:
        """(right, tries left). `method`: pin | order_number; `value` as typed. No try left: wrong, whatever was typed.

        Raises StoreUnavailable where tries cannot be counted: then nobody can be identified safely.
        """
        proof = {"pin": self._rules.pin, "order_number": self._rules.order_number}.get(method)
        digits = "".join(c for c in value if c in "0123456789")[:32]
        if proof is None or not digits:
            return False, 0
        subjects = self._subjects(session)
        if not self._ledger.take(subjects, now):
            return False, 0
        right = self._matches(proof, session.facts, digits)
        if right:
            self._ledger.give_back([subject for subject, _, _ in subjects], now)
            return True, subjects[0][1]
        return False, self._ledger.left(subjects, now)

    def _subjects(self, session: Session) -> list[tuple[str, int, timedelta]]:
        """Whom a try counts against: the call, the caller, the account (where one is named, known to exist or not)."""
        tries = self._rules.tries
        hour = timedelta(hours=1)
        # Longer than the hour where the lock is: the tries that led to it stay counted until it is over.
        window = max(hour, timedelta(seconds=tries.lock_seconds))
        subjects = [(f"call:{session.call_id}", tries.per_call, timedelta(days=1))]
        caller = session.caller.number or session.caller.raw
        if caller:
            subjects.append((f"caller:{caller}", tries.per_caller_per_hour, window))
        account = _field(session.facts, self._rules.account)
        if account is not None:
            subjects.append((f"account:{account}", tries.per_account_per_hour, window))
        return subjects

    def _matches(self, proof: Proof, facts: Mapping[str, Mapping[str, Any]], typed: str) -> bool:
        arguments: dict[str, Any] = {}
        for name, place in proof.arguments.items():
            arguments[name] = typed if place == TYPED else _field(facts, place)
        found: Any = None
        if all(value is not None for value in arguments.values()):
            found = self._connectors.look_up_private(proof.connector, arguments, WITHIN_SECONDS).fields.get(proof.field)
        if proof.equals is None:
            return _verify(str(found) if found is not None else _NOBODY, typed) and found is not None
        expected = _field(facts, proof.equals)
        same = hmac.compare_digest(str(found or "").encode(), str(expected or "").encode())
        return same and found is not None and expected is not None


def hashed(secret: str) -> str:
    """What to put into a table of PINs."""
    return HASHER.hash(secret)


def _verify(stored: str, typed: str) -> bool:
    try:
        return HASHER.verify(stored, typed)
    except (VerificationError, InvalidHashError):
        return False


def _field(facts: Mapping[str, Mapping[str, Any]], place: str) -> Any:
    root, _, key = place.partition(".")
    value = facts.get(root, {}).get(key)
    return None if value in (None, "") else value
