"""Access tokens of the API: made once, shown once, kept as a digest; scopes say what each may do."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.errors import AccessDenied, RecordError
from ivr.records import audit
from ivr.records.store import Store
from ivr.records.tables import tokens

PREFIX = "ivr_"
SCOPES = {
    "calls:read": "read call records, with numbers and names masked",
    "calls:own": "read the records of the agent's own calls",
    "calls:unmask": "see callers' numbers and names in full",
    "calls:correct": "correct a record, with a reason",
    "reports:read": "read figures",
    "live:read": "see queues and agents now",
    "agents:own": "change one's own state, hold one's own callers and hand them on",
    "agents:write": "change any agent's state, hold callers and hand them on",
    "calls:supervise": "listen to conversations, whisper and take part",
    "callbacks:read": "see promised callbacks",
    "callbacks:write": "move or cancel callbacks",
    "flows:read": "read flows and their revisions",
    "flows:write": "save drafts of flows",
    "flows:publish": "publish and roll back flows",
    "callers:erase": "export and erase what is kept about a caller",
}
_VIEW = ("calls:read", "reports:read", "live:read", "callbacks:read", "flows:read")
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": _VIEW,
    "reporting": ("calls:read", "calls:unmask", "reports:read"),
    "agent": ("calls:own", "calls:unmask", "agents:own", "live:read"),
    "supervisor": (
        *_VIEW,
        "calls:unmask",
        "calls:correct",
        "agents:own",
        "agents:write",
        "calls:supervise",
        "callbacks:write",
        "flows:write",
        "flows:publish",
    ),
    "admin": tuple(SCOPES),
}
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Access:
    """Who asks, and what they may do. `agent`: the agent this token belongs to, where it is an agent's."""

    token_id: str
    name: str
    role: str
    scopes: frozenset[str]
    agent: str | None = None

    def may(self, scope: str) -> bool:
        """True where the token carries `scope`."""
        return scope in self.scopes


@dataclass(frozen=True)
class NewToken:
    """A token just made: `secret` is what its owner sends."""

    secret: str
    token_id: str


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(
    store: Store,
    *,
    name: str,
    role: str,
    now: datetime,
    scopes: tuple[str, ...] | None = None,
    expires_at: datetime | None = None,
    agent: str | None = None,
    by: str = "command line",
) -> NewToken:
    """A new token: its secret is in this answer and nowhere else. Raises RecordError for an unknown role or scope."""
    if role not in ROLES:
        raise RecordError(f'role "{role}" is not known: choose one of {", ".join(ROLES)}')
    unknown = sorted(set(scopes or ()) - set(SCOPES))
    if unknown:
        raise RecordError(f"scope {unknown[0]} is not known: choose from {', '.join(SCOPES)}")
    if role == "agent" and not agent:
        raise RecordError("an agent's token needs the agent it belongs to (--agent ID)")
    token = PREFIX + secrets.token_urlsafe(32)
    token_id = "t" + secrets.token_hex(6)
    row = {
        "token_id": token_id, "name": name, "digest": digest(token), "role": role, "scopes": list(scopes if scopes is not None else ROLES[role]),
        "person": agent, "made_at": now, "expires_at": expires_at,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(tokens.insert(), row)
        audit.append(connection, by, "token.create", token_id, {"name": name, "role": role, "scopes": row["scopes"]}, at=now)
    return NewToken(token, token_id)


def check_token(store: Store, text: str, now: datetime) -> Access:
    """Who a token belongs to. Raises AccessDenied: unknown, revoked or expired."""
    if not text.startswith(PREFIX) or len(text) > 200:
        raise AccessDenied("the token is not one of this service: they start with ivr_")
    with store.reading() as connection:
        row = connection.execute(sa.select(tokens).where(tokens.c.digest == digest(text))).first()
    if row is None:
        raise AccessDenied("the token is not known")
    if row.revoked_at is not None:
        raise AccessDenied("the token was revoked")
    if row.expires_at is not None and row.expires_at <= now:
        raise AccessDenied("the token has expired")
    if row.used_at is None or now - row.used_at >= _USED_EVERY:
        with store.writing() as connection:
            connection.execute(tokens.update().where(tokens.c.token_id == row.token_id), {"used_at": now})
    return Access(row.token_id, row.name, row.role, frozenset(row.scopes), row.person)


def revoke_token(store: Store, token_id: str, now: datetime, by: str = "command line") -> None:
    """End a token at once. Raises RecordError where there is none of this id."""
    with store.writing() as connection:
        done = connection.execute(
            tokens.update().where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None)), {"revoked_at": now}
        )
        if not done.rowcount:
            raise RecordError(f"there is no token {token_id} in force")
        audit.append(connection, by, "token.revoke", token_id, None, at=now)


def list_tokens(store: Store) -> list[dict[str, Any]]:
    """All tokens, newest first, without their digests."""
    shown = [column for column in tokens.c if column.name != "digest"]
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(*shown).order_by(tokens.c.made_at.desc())).mappings()]
