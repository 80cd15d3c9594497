"""Tokens, people and the audit log."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ivr.errors import AccessDenied, RecordError
from ivr.records import audit, people, tokens
from ivr.records.store import Store
from tests.records.conftest import NOW, MakeStore


def test_tokens_open_what_they_may_and_nothing_after_their_end(store: Store) -> None:
    made = tokens.create_token(store, name="job", role="reporting", now=NOW, expires_at=NOW + timedelta(days=1))
    access = tokens.check_token(store, made.secret, NOW)
    assert access.may("calls:unmask")
    assert not access.may("agents:write")
    with pytest.raises(AccessDenied, match="expired"):
        tokens.check_token(store, made.secret, NOW + timedelta(days=1))
    tokens.revoke_token(store, made.token_id, NOW)
    with pytest.raises(AccessDenied, match="revoked"):
        tokens.check_token(store, made.secret, NOW)
    with pytest.raises(AccessDenied, match="not known"):
        tokens.check_token(store, "ivr_" + "x" * 43, NOW)
    with pytest.raises(RecordError, match="choose one of"):
        tokens.create_token(store, name="x", role="boss", now=NOW)
    assert made.secret not in json.dumps(tokens.list_tokens(store), default=str)
    assert tokens.list_tokens(store)[0]["used_at"] == NOW


def test_people_sign_in_and_stop(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    people.create_person(store, name="sam", password="correct horse", role="supervisor", now=NOW)
    person = people.sign_in(store, "sam", "correct horse")
    assert person is not None
    assert people.sign_in(store, "sam", "wrong horse") is None
    assert people.sign_in(store, "nobody", "correct horse") is None
    people.disable_person(store, "sam", NOW)
    assert people.sign_in(store, "sam", "correct horse") is None
    with pytest.raises(RecordError, match="at least 10"):
        people.create_person(store, name="sam", password="short", role="viewer", now=NOW)


def test_the_audit_log_tells_when_it_was_touched(store: Store) -> None:
    from ivr.records.tables import audit as rows

    for n in range(4):
        with store.writing() as connection:
            audit.append(connection, "sam", "flow.publish", f"r{n}", {"note": "x"}, at=NOW)
    assert audit.verify(store) is None
    first = audit.entries(store)[-1]["n"]
    with store.writing() as connection:
        connection.execute(rows.update().where(rows.c.n == first + 1).values(who="eve"))
    assert audit.verify(store) == first + 1
    with store.writing() as connection:
        connection.execute(rows.delete().where(rows.c.n == first + 1))
    assert audit.verify(store) == first + 2
