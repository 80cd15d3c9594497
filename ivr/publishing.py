"""From files to a revision that callers hear: lint clean → flow tests pass → stored → pointer moved. Nothing less is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr.errors import FlowError
from ivr.language.bundle import Bundle, Compiled, compile_bundle, compile_folder, content_hash, flow_files
from ivr.language.names import Names
from ivr.language.problems import ERROR, Problem
from ivr.records.revision_rows import Revision, RevisionRows

TESTS = "tests/"
MOST_FILES = 500
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Trial:
    """How the flow tests went. `failures` has one sentence for each test that failed."""

    passed: int
    failures: tuple[str, ...] = ()


RunTests = Callable[[Bundle, Mapping[str, str]], Trial]
"""Runs the flow tests (path → text) on a bundle."""


class TrialsFailed(FlowError):
    """The flows are sound, but a saved conversation goes differently now."""

    def __init__(self, failures: tuple[str, ...]) -> None:
        first = failures[0] if failures else ""
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(f"{len(failures)} flow tests fail: {first}{more}")
        self.failures = failures


def files_of(folder: Path) -> dict[str, str]:
    """What a flows folder publishes: flows, translations and flow tests, by path relative to it."""
    tests = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted((folder / "tests").rglob("*.yaml"))}
    return {path: content.decode("utf-8", "replace") for path, content in {**flow_files(folder), **tests}.items()}


def check(files: Mapping[str, str], names: Names) -> Compiled:
    """Lint what would be published. Raises FlowError where it is too much to be a set of flows."""
    if len(files) > MOST_FILES or sum(len(text) for text in files.values()) > MOST_BYTES:
        raise FlowError(f"That is more than {MOST_FILES} files or {MOST_BYTES // 2**20} MB: nobody writes so many flows.")
    for path in files:
        if path.startswith("/") or ".." in path.split("/") or "\\" in path or len(path) > 200:
            raise FlowError(f'"{path[:80]}" is no path inside the flows folder.')
    return compile_bundle({path: text for path, text in files.items() if not path.startswith(TESTS)}, names)


def publish(
    revisions: RevisionRows,
    files: Mapping[str, str],
    *,
    names: Names,
    author: str,
    note: str = "",
    run_tests: RunTests | None = None,
    expected: int | None = None,
    only_first: bool = False,
    from_drafts: bool = False,
) -> Revision:
    """Publish `files`, or say why not: FlowError with the lint problems, TrialsFailed, RevisionConflict.

    `expected`: the revision the change was made on. Files equal to the current revision's give that one back.
    """
    compiled = check(files, names)
    bundle = compiled.required()
    tests = {path: text for path, text in files.items() if path.startswith(TESTS)}
    trial = run_tests(bundle, tests) if run_tests is not None and tests else None
    if trial is not None and trial.failures:
        raise TrialsFailed(trial.failures)
    return revisions.publish(
        {**bundle.files, **tests},
        content_hash({**bundle.files, **tests}),
        flows=sorted(bundle.flows),
        author=author,
        note=note,
        lint=[problem.to_plain() for problem in compiled.problems],
        tests=None if trial is None else {"passed": trial.passed},
        expected=expected,
        only_first=only_first,
        drop_drafts=from_drafts,
    )


def publish_first(revisions: RevisionRows, folder: Path, *, names: Names, run_tests: RunTests | None = None) -> Revision:
    """On start: the current revision; where nothing was ever published, `folder` becomes revision 1. Raises FlowError."""
    current = revisions.current()
    if current is not None:
        return current
    if not folder.is_dir():
        raise FlowError(f"there is no flows folder {folder}: set IVR_FLOWS_DIR")
    errors = [problem for problem in compile_folder(folder, names).problems if problem.severity == ERROR]
    if errors:  # said here with the files' own encoding problems, which texts alone cannot show
        raise FlowError(f"the flows in {folder} cannot be published: {errors[0]}", tuple(errors))
    return publish(
        revisions, files_of(folder), names=names, author="system", note="first start", run_tests=run_tests, only_first=True
    )


def bundle_of(revision: Revision, names: Names) -> Bundle:
    """A published revision ready to run.

    A name that config/ has lost since is no reason to refuse calls: such problems are left to `problems_now`, and only what cannot
    be read at all raises FlowError.
    """
    texts = {path: text for path, text in revision.files.items() if not path.startswith(TESTS)}
    compiled = compile_bundle(texts, names)
    return compiled.bundle if compiled.bundle is not None else compile_bundle(texts, Names()).required()


def problems_now(revision: Revision, names: Names) -> tuple[Problem, ...]:
    """What lint says about a published revision against today's configuration."""
    return check(revision.files, names).problems
