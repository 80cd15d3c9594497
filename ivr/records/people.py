"""People who may sign in: a name, an argon2id password, a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from ivr.errors import RecordError
from ivr.records import audit
from ivr.records.store import Store
from ivr.records.tables import people
from ivr.records.tokens import ROLES

_HASHER = PasswordHasher()
_LEAST_PASSWORD = 10
# Checked where the name is unknown, so that the time taken does not tell who exists.
_NOBODY = _HASHER.hash("nobody has this password")


@dataclass(frozen=True)
class Person:
    """Who signed in. `epoch` rises when all their sessions are ended."""

    name: str
    role: str
    agent: str | None
    epoch: int


def create_person(
    store: Store, *, name: str, password: str, role: str, now: datetime, agent: str | None = None, by: str = "command line"
) -> None:
    """Add a person, or give an existing one a new password and role. Raises RecordError for an unknown role or a short password."""
    if role not in ROLES:
        raise RecordError(f'role "{role}" is not known: choose one of {", ".join(ROLES)}')
    if len(password) < _LEAST_PASSWORD:
        raise RecordError(f"the password needs at least {_LEAST_PASSWORD} characters")
    if not name.strip() or len(name) > 80:
        raise RecordError("the name needs 1 to 80 characters")
    values = {"password": _HASHER.hash(password), "role": role, "agent": agent, "disabled_at": None}
    with store.writing() as connection:
        known = connection.scalar(sa.select(people.c.epoch).where(people.c.name == name))
        if known is None:
            connection.execute(people.insert(), {"name": name, "made_at": now, **values})
        else:
            connection.execute(people.update().where(people.c.name == name), {**values, "epoch": known + 1})
        audit.append(
            connection, by, "user.create" if known is None else "user.change", name, {"role": role, "agent": agent}, at=now
        )


def sign_in(store: Store, name: str, password: str) -> Person | None:
    """The person whose password this is, else None; takes as long for an unknown name as for a wrong password."""
    with store.reading() as connection:
        row = connection.execute(sa.select(people).where(people.c.name == name)).first()
    usable = row is not None and row.disabled_at is None
    try:
        _HASHER.verify(row.password if row is not None and usable else _NOBODY, password[:500])
    except (VerifyMismatchError, InvalidHashError):
        return None
    return Person(row.name, row.role, row.agent, row.epoch) if row is not None and usable else None


def find_person(store: Store, name: str) -> Person | None:
    """A person who may sign in; None where there is none or no longer."""
    with store.reading() as connection:
        row = connection.execute(sa.select(people).where(people.c.name == name, people.c.disabled_at.is_(None))).first()
    return None if row is None else Person(row.name, row.role, row.agent, row.epoch)


def disable_person(store: Store, name: str, now: datetime, by: str = "command line") -> None:
    """End a person's access and all their sessions. Raises RecordError where there is none of this name."""
    with store.writing() as connection:
        done = connection.execute(people.update().where(people.c.name == name).values(disabled_at=now, epoch=people.c.epoch + 1))
        if not done.rowcount:
            raise RecordError(f'there is nobody called "{name}"')
        audit.append(connection, by, "user.disable", name, None, at=now)


def list_people(store: Store) -> list[dict[str, Any]]:
    """Everybody, by name, without passwords."""
    shown = [column for column in people.c if column.name != "password"]
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(*shown).order_by(people.c.name)).mappings()]
