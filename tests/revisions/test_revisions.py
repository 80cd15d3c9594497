"""Flow revisions on both databases: publishing, rolling back, following, racing, surviving the database's absence."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ivr.steps  # noqa: F401  (registers the kinds of step)
from ivr.errors import FlowError, StoreUnavailable
from ivr.language.bundle import Bundle
from ivr.language.names import Names
from ivr.publishing import Trial, TrialsFailed
from ivr.records.revisions import NoSuchRevision, RevisionConflict, Revisions
from ivr.records.store import Store

FLOW = """\
flow: support
format: 1
title: Support
languages: [en-GB]
steps:
  hello:
    say: {words}
  bye:
    hangup: Goodbye.
"""


@dataclass
class Clock:
    """Wall clock and monotonic clock, driven by hand."""

    seconds: float = 0.0

    def wall(self) -> datetime:
        return datetime(2026, 11, 24, 10, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Site:
    """One database, any number of processes."""

    url: str
    clock: Clock = field(default_factory=Clock)
    stores: list[Store] = field(default_factory=list)

    def process(self) -> Revisions:
        store = Store(self.url, clock=self.clock.wall)
        self.stores.append(store)
        return Revisions(store, Names(), clock=self.clock.monotonic)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    made = Site(database_url)
    Store(database_url).prepare()
    yield made
    for store in made.stores:
        store.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Site]:
    """On SQLite alone, where the database makes no difference."""
    made = Site(f"sqlite:///{tmp_path / 'ivr.sqlite'}")
    Store(made.url).prepare()
    yield made
    for store in made.stores:
        store.close()


def files(words: str = "Hello.", **more: str) -> dict[str, str]:
    return {"support.yaml": FLOW.format(words=words), **more}


def said(revisions: Revisions) -> str:
    return revisions.current().bundle.flows["support"].steps["hello"].say.variants[0].text.source  # type: ignore[attr-defined, no-any-return]


def test_an_empty_database_publishes_the_folder_once(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    (folder / "tests").mkdir(parents=True)
    (folder / "support.yaml").write_text(FLOW.format(words="Hello."), "utf-8")
    (folder / "tests" / "hello.yaml").write_text("test: hello\n", "utf-8")

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda process: process.publish_first(folder), [site.process() for _ in range(4)]))

    assert set(results) <= {1, None}
    current = site.process().current()
    assert (current.number, current.name, len(current.hash)) == (1, "1", 64)
    assert sorted(current.revision.files) == ["support.yaml", "tests/hello.yaml"]
    assert site.process().publish_first(folder) is None


def test_publishing_numbers_revisions_and_keeps_who_and_why(local: Site) -> None:
    revisions = local.process()
    revisions.publish(files("One."), author="ann", note="first")
    local.clock.seconds += 60
    revisions.publish(files("Two."), author="ben", note="second")

    assert said(revisions) == "Two."
    listed = revisions.rows.newest_first()
    assert [(one.number, one.author, one.note, one.flows) for one in listed] == [
        (2, "ben", "second", ("support",)),
        (1, "ann", "first", ("support",)),
    ]
    assert listed[0].published_at == local.clock.wall()
    assert revisions.rows.newest_first(limit=1, before=2)[0].number == 1


def test_the_same_content_is_not_published_twice(local: Site) -> None:
    revisions = local.process()
    first = revisions.publish(files(), author="ann")

    assert revisions.publish(files(), author="ben").number == first.number
    assert len(revisions.rows.moves()) == 1


def test_calls_keep_their_revision_by_number_or_hash(local: Site) -> None:
    revisions = local.process()
    first = revisions.publish(files("One."), author="ann")
    revisions.publish(files("Two."), author="ann")

    fresh = local.process()
    for name in ("1", first.content_hash):
        assert fresh.pinned(name).number == 1
    for name in ("7", "0" * 64, "../1", "", "¹"):
        with pytest.raises(NoSuchRevision):
            fresh.pinned(name)


def test_every_process_follows_within_two_seconds(local: Site) -> None:
    here, there = local.process(), local.process()
    here.publish(files("One."), author="ann")
    assert there.current().number == 1

    here.publish(files("Two."), author="ann")

    assert here.current().number == 2
    local.clock.seconds += 1.6
    assert there.current().number == 2


def test_the_pointer_is_not_asked_for_on_every_turn(local: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    revisions = local.process()
    revisions.publish(files(), author="ann")
    asked: list[float] = []
    reading = local.stores[-1].reading

    def counted(*arguments: float) -> object:
        asked.append(local.clock.seconds)
        return reading(*arguments)

    monkeypatch.setattr(local.stores[-1], "reading", counted)
    for _ in range(100):
        local.clock.seconds += 0.1
        revisions.current()

    assert len(asked) <= 8  # ten seconds


def test_rolling_back_moves_the_pointer_and_writes_history(site: Site) -> None:
    revisions = site.process()
    for words in ("One.", "Two.", "Three."):
        revisions.publish(files(words), author="ann")

    assert revisions.roll_back(author="ben", note="oops").number == 2
    assert revisions.roll_back(author="ben").number == 1
    assert revisions.roll_back(3, author="ben").number == 3
    assert [(move.kind, move.from_number, move.to_number) for move in revisions.rows.moves(3)] == [
        ("rollback", 1, 3),
        ("rollback", 2, 1),
        ("rollback", 3, 2),
    ]
    assert site.process().current().number == 3


def test_there_may_be_nothing_to_go_back_to(local: Site) -> None:
    revisions = local.process()
    with pytest.raises(FlowError, match="no flow is published"):
        revisions.current()
    revisions.publish(files(), author="ann")

    with pytest.raises(NoSuchRevision, match="no earlier revision"):
        revisions.roll_back(author="ann")
    for number in (9, 0, -1, 10**30):
        with pytest.raises(NoSuchRevision, match=f"no flow revision {number}"):
            revisions.roll_back(number, author="ann")


def test_nothing_is_published_over_somebody_elses_change(local: Site) -> None:
    revisions = local.process()
    revisions.publish(files("One."), author="ann")
    revisions.publish(files("Two."), author="ben", expected=1)

    with pytest.raises(RevisionConflict) as conflict:
        revisions.publish(files("Three."), author="ann", expected=1)
    assert conflict.value.current == 2


def test_publishers_at_the_same_moment_get_one_number_each(site: Site) -> None:
    processes = [site.process() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda n: processes[n % 4].publish(files(f"Words {n}."), author="ann").number, range(12)))

    assert sorted(numbers) == list(range(1, 13))
    moves = list(reversed(site.process().rows.moves()))
    assert [move.to_number for move in moves] == list(range(1, 13))
    assert [move.from_number for move in moves] == [None, *range(1, 12)]


def test_flows_with_problems_are_not_published(local: Site) -> None:
    revisions = local.process()
    with pytest.raises(FlowError) as refused:
        revisions.publish({"support.yaml": FLOW.format(words='"{{ nobody.name }}"')}, author="ann")

    assert {problem.rule for problem in refused.value.problems} >= {"unknown-fact"}  # type: ignore[attr-defined]
    assert revisions.rows.current_number() is None


@pytest.mark.parametrize("path", ["../support.yaml", "/etc/passwd", "a/../../b.yaml", "x" * 300 + ".yaml"])
def test_paths_outside_the_folder_are_refused(local: Site, path: str) -> None:
    with pytest.raises(FlowError, match="no path inside"):
        local.process().publish(files(**{path: "x"}), author="ann")


def test_flow_tests_run_first_and_stop_a_publish(local: Site) -> None:
    revisions = local.process()
    seen: list[tuple[str, ...]] = []

    def run(bundle: Bundle, tests: object) -> Trial:
        seen.append(tuple(tests))  # type: ignore[arg-type]
        words = bundle.flows["support"].steps["hello"].say.variants[0].text.source  # type: ignore[attr-defined]
        return Trial(1) if words == "Hello." else Trial(0, (f"hello: says {words}",))

    revisions.run_tests = run
    published = revisions.publish(files(**{"tests/hello.yaml": "test: x"}), author="ann")
    with pytest.raises(TrialsFailed, match="1 flow tests fail: hello: says Hi"):
        revisions.publish(files("Hi.", **{"tests/hello.yaml": "test: x"}), author="ann")

    assert published.tests == {"passed": 1}
    assert seen == [("tests/hello.yaml",)] * 2
    assert said(revisions) == "Hello."


def test_the_last_known_revision_holds_while_the_database_is_away(local: Site) -> None:
    revisions = local.process()
    revisions.publish(files(), author="ann")
    revisions.current()
    away = Revisions(
        Store(f"sqlite:///{local.url.removeprefix('sqlite:///')}.d/none/x.sqlite"), Names(), clock=local.clock.monotonic
    )
    revisions.rows._store = away.rows._store
    local.clock.seconds += 10

    assert revisions.current().number == 1
    with pytest.raises(StoreUnavailable):
        away.current()


def test_a_revision_runs_although_the_configuration_lost_a_name(local: Site) -> None:
    """A supervisor removed a queue from config/: calls go on, `ivr doctor` and lint tell it."""
    flow = FLOW.replace("    hangup: Goodbye.", "    hangup: Goodbye.\n").format(words="Hello.") + ""
    queueing = flow.replace("  bye:", "  wait:\n    queue: general\n    closed: bye\n    no_answer: bye\n    next: bye\n  bye:")
    local.process().publish({"support.yaml": queueing}, author="ann")

    later = Revisions(Store(local.url), Names(queues=frozenset({"other"})), clock=local.clock.monotonic)

    assert later.current().number == 1


class TestDrafts:
    def test_a_draft_is_kept_sound_or_not_and_told_what_is_wrong(self, local: Site) -> None:
        revisions = local.process()
        revisions.publish(files(), author="ann")

        saved = revisions.save_draft("support", FLOW.format(words="Hi.") + "  oops: {}\n", author="ben")

        assert saved["published"] != saved["draft"]
        assert saved["draft_author"] == "ben"
        assert saved["problems"]
        assert revisions.flows()[0]["has_draft"]
        with pytest.raises(FlowError):
            revisions.publish_drafts(author="ben")

    def test_publishing_drafts_uses_them_up(self, site: Site) -> None:
        revisions = site.process()
        revisions.publish(files(), author="ann")
        revisions.save_draft("support", FLOW.format(words="Hi."), author="ben")
        revisions.save_draft("other", FLOW.replace("support", "other").format(words="Other."), author="ben")

        published = revisions.publish_drafts(author="ben", expected=1)

        assert published.flows == ("other", "support")
        assert revisions.rows.drafts() == []
        assert not revisions.flow("support")["draft"]

    def test_a_draft_does_not_undo_what_was_published_meanwhile(self, local: Site) -> None:
        revisions = local.process()
        revisions.publish(files(), author="ann")
        revisions.save_draft("support", FLOW.format(words="Hi."), author="ben")
        revisions.publish(files("Hello again."), author="ann")
        revisions.save_draft("support", FLOW.format(words="Hi there."), author="ben")  # still begun from the first

        with pytest.raises(RevisionConflict):
            revisions.publish_drafts(author="ben")
        revisions.save_draft("support", FLOW.format(words="Hi again."), author="ben", based_on=2)
        assert revisions.publish_drafts(author="ben").number == 3

    def test_a_dropped_draft_is_gone(self, local: Site) -> None:
        revisions = local.process()
        revisions.publish(files(), author="ann")
        revisions.save_draft("support", "x", author="ben")

        assert revisions.drop_draft("support") is True
        assert revisions.drop_draft("support") is False

    @pytest.mark.parametrize("name", ["nothing_here", "../../etc/passwd", "Ünicode", "", "a" * 100])
    def test_flows_that_are_not_there(self, local: Site, name: str) -> None:
        revisions = local.process()
        revisions.publish(files(), author="ann")

        with pytest.raises((NoSuchRevision, FlowError)):
            revisions.flow(name)
