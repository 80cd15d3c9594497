"""What a person on the line hears when a webhook could not be carried out: music goes on, a question is asked again a moment later,
and only when that does not help either an apology, with a person's number where one is configured."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.actions import Continue, Pause, Play, Say
from ivr.carriers.twilio import write
from ivr.jobs.links import Links
from ivr.jobs.wiring import Line

MOST_AGAIN = 3
PAUSE_SECONDS = 2
SILENT_ROUTES = frozenset(
    {"/status", "/recording", "/room", "/agent/status", "/callback/status", "/outside/status", "/supervisor/status"}
)
"""Callbacks that steer nothing: nobody hears their answers, and what they would have told is asked of the carrier later."""


class Mishaps:
    """Documents for failed webhooks. They are made of what was read at the start: without Redis, database or flows."""

    def __init__(self, line: Line, links: Links) -> None:
        self.line = line
        self.links = links

    def document(self, route: str, subject: str, arguments: Mapping[str, str]) -> str:
        """What to answer on `route` (without /voice); `subject` and `arguments` are those of the link that was asked for."""
        if route in SILENT_ROUTES:
            return write.empty()
        if route == "/wait":
            return write.loop((Play("hold.wav"),), self._audio)
        again = int(arguments["again"]) if arguments.get("again", "").isdecimal() else 0
        if route == "/fallback" or again >= MOST_AGAIN:
            return self.last_words(person=not route.startswith("/agent"))
        address = self._address(route, subject, {**arguments, "again": str(again + 1)})
        moment = Say(self.line.phrase("one_moment", None), self.line.language)
        return write.write((moment, Pause(PAUSE_SECONDS), Continue()), lambda of: address, self._audio, self._apology())

    def last_words(self, *, person: bool = True) -> str:
        """The end: an apology, then the number of a person where there is one (agents are not rung by agents)."""
        return write.last_words(self._apology(), self.line.settings.fallback_number if person else None)

    def _address(self, route: str, subject: str, arguments: dict[str, str]) -> str:
        arguments.pop("k", None)
        if subject:
            return self.links.sealed(f"/voice{route}", subject, **arguments)
        # A call began when it was first told of, not when somebody could hear of it.
        told = arguments.get("since", "")
        since = told if told.replace(".", "").isdecimal() else f"{self.line.now().timestamp():.3f}"
        return self.links.plain(f"/voice{route}?again={arguments['again']}&since={since}")

    def _audio(self, name: str) -> str | None:
        return self.links.plain(f"/audio/{name}") if self.line.has_audio(name) else None

    def _apology(self) -> str:
        return self.line.phrase("apology_end", None)
