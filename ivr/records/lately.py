"""How often somebody called lately, and what about: for the agent who is about to talk to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ivr.records.store import Store
from ivr.records.tables import calls


@dataclass(frozen=True)
class EarlierCall:
    """A contact of the same person."""

    call_id: str
    started_at: datetime
    intent: str | None
    outcome: str
    agent: str | None
    resolved: bool | None


@dataclass(frozen=True)
class Lately:
    """`count` contacts, the newest of them in `calls`."""

    count: int = 0
    calls: tuple[EarlierCall, ...] = ()


def called_lately(
    store: Store, customer_id: str | None, number: str | None, now: datetime, window: timedelta, *, but: str, most: int = 5
) -> Lately:
    """The person's contacts within `window`, without call `but`. Give `number` only where it tells a person (not withheld, not shared)."""
    people = [f"customer:{customer_id}"] if customer_id else []
    if number and number not in store.rules.shared_numbers:
        people.append(f"number:{number}")
    if not people:
        return Lately()
    mine = sa.and_(
        calls.c.person.in_(people), calls.c.started_at >= now - window, calls.c.call_id != but, calls.c.is_contact == 1
    )
    with store.reading() as connection:
        count = int(connection.scalar(sa.select(sa.func.count()).select_from(calls).where(mine)) or 0)
        rows = connection.execute(sa.select(calls).where(mine).order_by(calls.c.started_at.desc()).limit(most)).all()
    return Lately(count, tuple(EarlierCall(r.call_id, r.started_at, r.intent, r.outcome, r.agent, r.resolved) for r in rows))
