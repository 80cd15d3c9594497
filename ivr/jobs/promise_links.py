"""The link with which a customer moves or takes back a promised callback: sealed for one promise, and good for a while only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.callbacks import Callback

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

PAGE = "/callback"
GOOD_SECONDS = 3 * 86_400.0
"""After the time for which it is promised: retries are over by then."""


def promise_link(line: Line, promise: Callback) -> str:
    """The address of the page on which the promise can be changed."""
    until = int(max(line.now().timestamp(), promise.at or 0.0) + GOOD_SECONDS)
    return line.links.sealed(PAGE, promise.callback_id, c=promise.callback_id, until=until)


def fits(line: Line, callback_id: str, until: str, seal: str) -> bool:
    """True where the link with this seal was made for the promise, whether or not it is still good."""
    return line.links.made(seal, PAGE, callback_id, c=callback_id, until=until)
