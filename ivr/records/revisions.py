"""What new calls run, what calls in progress keep running, and how either changes: the one object that everybody asks."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.errors import FlowError
from ivr.language.bundle import Bundle, Compiled
from ivr.language.names import Names
from ivr.publishing import RunTests, bundle_of, check, files_of, publish, publish_first
from ivr.records.revision_rows import MAIN, Draft, Move, NoSuchRevision, Revision, RevisionConflict, RevisionRows
from ivr.records.store import Store

__all__ = ["Draft", "Move", "NoSuchRevision", "Published", "Revision", "RevisionConflict", "Revisions"]

MOST_COMPILED = 20
_FLOW_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Published:
    """A revision ready to take calls. `hash` is its content hash, `number` what people call it."""

    revision: Revision
    bundle: Bundle

    @property
    def number(self) -> int:
        return self.revision.number

    @property
    def name(self) -> str:
        """As sessions, journals and records write it: the number."""
        return str(self.revision.number)

    @property
    def hash(self) -> str:
        return self.revision.content_hash


class Revisions:
    """Flow revisions with their compiled bundles. Thread-safe; nothing connects before it is used.

    `run_tests` runs the flow tests before a publish (without it they are not run). Reading methods raise StoreUnavailable only for
    what this process has never read; FlowError where nothing is published.
    """

    def __init__(
        self,
        store: Store,
        names: Names,
        *,
        run_tests: RunTests | None = None,
        line: str = MAIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rows = RevisionRows(store, line=line, clock=clock)
        self.names, self.run_tests = names, run_tests
        self._compiled: dict[int, Published] = {}
        self._lock = threading.Lock()

    # --- for calls

    def current(self) -> Published:
        """What a call that arrives now runs; at most two seconds behind a publish elsewhere."""
        number = self.rows.current_number()
        if number is None:
            raise FlowError("no flow is published: run `ivr flows publish`")
        return self._published(number)

    def pinned(self, revision: str) -> Published:
        """The revision a call began with, by number or content hash; raises NoSuchRevision."""
        if revision.isascii() and revision.isdigit() and len(revision) < 10:
            return self._published(int(revision))
        with self._lock:
            kept = next((published for published in self._compiled.values() if published.hash == revision), None)
        return kept or self._published(self.rows.number_of(revision))

    def _published(self, number: int) -> Published:
        with self._lock:
            kept = self._compiled.get(number)
        if kept is not None:
            return kept
        revision = self.rows.get(number)
        published = Published(revision, bundle_of(revision, self.names))
        with self._lock:
            while len(self._compiled) >= MOST_COMPILED:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[number] = published
        return published

    # --- for supervisors

    def publish_first(self, folder: Path) -> int | None:
        """On start: publish `folder` where nothing ever was; returns the revision's number then, None where one was there."""
        if self.rows.current_number() is not None:
            return None
        return publish_first(self.rows, folder, names=self.names, run_tests=self.run_tests).number

    def publish(self, files: Mapping[str, str], *, author: str, note: str = "", expected: int | None = None) -> Revision:
        """Lint, test, store, move the pointer. Raises FlowError with `problems`, TrialsFailed, RevisionConflict."""
        return publish(self.rows, files, names=self.names, author=author, note=note, run_tests=self.run_tests, expected=expected)

    def publish_folder(self, folder: Path, *, author: str, note: str = "", expected: int | None = None) -> Revision:
        """The same with the files of a folder."""
        return self.publish(files_of(folder), author=author, note=note, expected=expected)

    def publish_drafts(self, *, author: str, note: str = "", expected: int | None = None) -> Revision:
        """The same with the current files and all drafts; the drafts are gone afterwards.

        Raises RevisionConflict where a file was published anew since its draft was begun: that change would be lost.
        """
        self._refuse_stale_drafts()
        return publish(
            self.rows, self.rows.files_with_drafts(), names=self.names, author=author, note=note, run_tests=self.run_tests,
            expected=expected, from_drafts=True,
        )  # fmt: skip

    def roll_back(self, to: int | None = None, *, author: str, note: str = "") -> Revision:
        """Point new calls to an earlier revision (without `to`: the one before); calls in progress stay where they are."""
        return self.rows.roll_back(to, author=author, note=note)

    # --- for the API: a flow by its name

    def flows(self) -> list[dict[str, Any]]:
        """Every flow of the current revision, and whether it is being edited."""
        current = self.current()
        drafts = {draft.path for draft in self.rows.drafts()}
        return [
            {"name": flow.name, "title": flow.title, "revision": current.number, "path": path, "has_draft": path in drafts}
            for flow in current.bundle.flows.values()
            for path in [flow.at.file]
        ]

    def flow(self, name: str) -> dict[str, Any]:
        """A flow's text, its draft and what lint says about it; raises NoSuchRevision where there is no such flow."""
        current = self.current()
        path = self._path_of(name, current)
        drafts = {draft.path: draft for draft in self.rows.drafts()}
        draft = drafts.get(path)
        if path not in current.revision.files and draft is None:
            raise NoSuchRevision(f'there is no flow "{name}"')
        compiled = self.lint(self.rows.files_with_drafts())
        return {
            "name": name,
            "path": path,
            "revision": current.number,
            "published": current.revision.files.get(path),
            "draft": None if draft is None else draft.text,
            "draft_author": None if draft is None else draft.author,
            "draft_saved_at": None if draft is None else draft.saved_at.isoformat(),
            "problems": [problem.to_plain() for problem in compiled.problems if problem.file == path],
        }

    def save_draft(self, name: str, text: str, *, author: str, based_on: int | None = None) -> dict[str, Any]:
        """Keep a flow's text as a draft, sound or not; what lint says comes with it.

        `based_on`: the revision whose text was edited; without it, the one the draft was begun from.
        """
        current = self.current()
        path = self._path_of(name, current)
        if based_on is None:
            based_on = next((draft.based_on for draft in self.rows.drafts() if draft.path == path), current.number)
        self.rows.save_draft(path, text, author=author, based_on=based_on)
        return self.flow(name)

    def drop_draft(self, name: str) -> bool:
        """Forget a flow's draft; returns whether there was one."""
        return self.rows.drop_draft(self._path_of(name, self.current()))

    def lint(self, files: Mapping[str, str]) -> Compiled:
        """What would stand in the way of publishing `files`."""
        return check(files, self.names)

    def _refuse_stale_drafts(self) -> None:
        current = self.current().revision
        for draft in self.rows.drafts():
            if draft.based_on in (0, current.number):
                continue
            if self.rows.get(draft.based_on).files.get(draft.path) != current.files.get(draft.path):
                raise RevisionConflict(current.number, draft.based_on)

    def _path_of(self, name: str, current: Published) -> str:
        flow = current.bundle.flows.get(name)
        if flow is None and not _FLOW_NAME.fullmatch(name):
            raise FlowError("that cannot be the name of a flow: use small letters, digits and _, beginning with a letter")
        return flow.at.file if flow is not None else f"{name}.yaml"
