"""Flows and revisions for the API (webhooks.api.context.Flows)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ivr.errors import FlowError
from ivr.records.revisions import NoSuchRevision, RevisionConflict, Revisions
from webhooks.api.context import NotNow, NotRight, NotThere


class FlowDesk:
    """What supervisors' programs do with flows. Publishing concerns all flows of the line: they share one revision."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    def all_flows(self) -> list[dict[str, Any]]:
        return self._revisions.flows()

    def get(self, name: str, revision: str | None) -> dict[str, Any]:
        with _said():
            if revision is None:
                return self._revisions.flow(name)
            published = self._revisions.pinned(revision)
            flow = published.bundle.flows.get(name)
            if flow is None:
                raise NotThere(f'revision {revision} has no flow "{name}"')
            return {
                "name": name,
                "path": flow.at.file,
                "revision": published.number,
                "published": published.revision.files[flow.at.file],
            }

    def save_draft(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        with _said():
            based_on = wanted.get("based_on")
            current = self._revisions.current().number
            if based_on is not None and str(based_on) != str(current):
                raise NotNow(
                    f"Revision {current} was published while this was edited from revision {based_on}.", {"revision": current}
                )
            return self._revisions.save_draft(name, wanted["text"], author=by, based_on=None if based_on is None else current)

    def revisions(self, name: str) -> list[dict[str, Any]]:
        return [revision.summary() for revision in self._revisions.rows.newest_first() if name in revision.flows]

    def publish(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        with _said():
            return self._revisions.publish_drafts(author=by, note=str(wanted.get("note") or "")[:500]).summary()

    def rollback(self, name: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        with _said():
            to = wanted.get("revision")
            if to is not None and not str(to).isdigit():
                raise NotRight("revision must be the number of a revision, such as 3")
            return self._revisions.roll_back(
                None if to is None else int(to), author=by, note=str(wanted.get("note") or "")[:500]
            ).summary()


@contextmanager
def _said() -> Iterator[None]:
    """The product's own refusals in the API's words."""
    try:
        yield
    except NoSuchRevision as error:
        raise NotThere(str(error)) from error
    except RevisionConflict as error:
        raise NotNow(str(error)) from error
    except FlowError as error:
        raise NotRight(str(error), tuple(str(problem) for problem in error.problems)) from error
