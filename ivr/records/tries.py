"""Wrong answers in step-up identification, counted in SQL: a lock survives redialling, another process and the loss of Redis."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ivr.records.revision_tables import failed_tries
from ivr.records.store import Store

KEPT = timedelta(days=2)
_LOCK_SPACE = 72145


class FailedTries:
    """The ledger. A subject is a text such as "account:c1001"; only its digest is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, subjects: Sequence[tuple[str, int, timedelta]], now: datetime) -> bool:
        """Count a try against every subject (subject, most, within), unless one has no try left: then False and nothing is counted.

        The time within which no more than `most` may be wrong doubles with each further `most` wrong ones of two days: a PIN of
        four digits meets some thirty guesses then, not one every few minutes.

        Counted before the secret is compared, in one transaction: parallel guesses cannot share a last try.
        """
        digests = [(_digest(subject), most, within) for subject, most, within in subjects]
        with self._store.writing() as connection:
            if connection.dialect.name == "postgresql":
                for digest in sorted(
                    digest for digest, _, _ in digests
                ):  # in one order, so that two callers cannot wait for each other
                    connection.execute(
                        sa.text("SELECT pg_advisory_xact_lock(:space, :key)"), {"space": _LOCK_SPACE, "key": _key(digest)}
                    )
            if any(self._left(connection, digest, most, within, now) == 0 for digest, most, within in digests):
                return False
            connection.execute(failed_tries.insert(), [{"subject": digest, "at": now} for digest, _, _ in digests])
            connection.execute(failed_tries.delete().where(failed_tries.c.at < now - KEPT))
        return True

    def give_back(self, subjects: Sequence[str], now: datetime) -> None:
        """The try was right: it does not count, and earlier wrong ones of these subjects are forgotten."""
        digests = [_digest(subject) for subject in subjects]
        with self._store.writing() as connection:
            connection.execute(failed_tries.delete().where(failed_tries.c.subject.in_(digests), failed_tries.c.at <= now))

    def left(self, subjects: Sequence[tuple[str, int, timedelta]], now: datetime) -> int:
        """How many tries the tightest subject has left."""
        with self._store.reading() as connection:
            return min(self._left(connection, _digest(subject), most, within, now) for subject, most, within in subjects)

    def _left(self, connection: sa.Connection, digest: str, most: int, within: timedelta, now: datetime) -> int:
        rounds = self._count(connection, digest, now - KEPT) // most
        window = min(KEPT, within * 2 ** max(0, min(rounds, 10) - 1))
        return max(0, most - self._count(connection, digest, now - window))

    def _count(self, connection: sa.Connection, digest: str, since: datetime) -> int:
        query = sa.select(sa.func.count()).where(failed_tries.c.subject == digest, failed_tries.c.at > since)
        return int(connection.execute(query).scalar() or 0)


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()


def _key(digest: str) -> int:
    return int(digest[:8], 16) - 2**31
