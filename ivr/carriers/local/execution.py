"""Carries out documents for one leg, verb after verb. Each verb's doing is registered by its name (see `verbs/`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ivr.carriers.local.debugger import Severity
from ivr.carriers.local.legs import Callback, HungUp, Leg, Request, Status, TakenOver
from ivr.carriers.local.line import Kind
from ivr.carriers.local.pace import Pace
from ivr.carriers.local.twiml import Document, Verb, read_answer, read_twiml
from ivr.carriers.local.webhook import FetchFailed

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
MOST_FALLBACKS = 5
MOST_TWIML_CHARACTERS = 4000  # of TwiML given in place through REST


@dataclass(frozen=True)
class Page:
    """A document at work. `address` is where relative links start; "" for TwiML given in place."""

    verbs: tuple[Verb, ...]
    address: str = ""
    method: str = "POST"


class DocumentFailed(Exception):
    """A document cannot be fetched or carried out: the fallback is next."""

    def __init__(self, code: int, message: str, address: str = "") -> None:
        super().__init__(message)
        self.code, self.address = code, address


class LeftQueue(Exception):
    """<Leave> was reached in a wait document."""


Perform = Callable[["Execution", Verb, Page], Awaitable[Page | None]]
PERFORMERS: dict[str, Perform] = {}


def performs(name: str) -> Callable[[Perform], Perform]:
    """Register what a verb does. The function returns the page that takes over, or None for the next verb."""

    def register(function: Perform) -> Perform:
        PERFORMERS[name] = function
        return function

    return register


class Execution:
    """Runs pages on a leg.

    `allowed` restricts the verbs (a wait, hold or screening document); others get `nesting_code` and are skipped. `extra` goes
    with every request. `stop` breaks off what is being spoken, without ending anything.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        allowed: frozenset[str] | None = None,
        nesting_code: int = 12200,
        extra: Callable[[], Mapping[str, str]] | None = None,
        stop: asyncio.Event | None = None,
    ) -> None:
        self.leg = leg
        self.exchange = leg.exchange
        self.allowed = allowed
        self.nesting_code = nesting_code
        self.extra = extra or dict
        self.stop = stop

    # documents --------------------------------------------------------------------------------------------------

    def resolve(self, link: str, page: Page) -> str:
        """An absolute address. Raises DocumentFailed (11100) where a relative link has nothing to start from."""
        address = urljoin(page.address, link) if page.address else link
        if urlsplit(address).scheme not in ("http", "https"):
            raise DocumentFailed(11100, f"not an absolute address: {link!r}", page.address)
        return address

    async def fetch(self, request: Request) -> Page:
        """Fetch and read a document. Raises DocumentFailed; warnings go to the debugger."""
        if request.twiml:
            return self._page(read_twiml(request.twiml), "", request.method)
        leg = self.leg
        fields = leg.fields(**{**self.extra(), **request.fields})
        token = leg.exchange.new_sid("")
        if leg.exchange.nemesis.doubles_webhook():
            leg.spawn(self._unheard_try(request, fields, token), "doubled request")
        entry = leg.line.note(Kind.REQUEST, request.address, what="document", method=request.method)
        try:
            answer = await leg.attend(
                leg.exchange.webhooks.send(request.address, request.method, fields, leg.cookies, token=token)
            )
        except FetchFailed as failure:
            entry.more["error"] = str(failure)
            raise DocumentFailed(failure.code, str(failure), request.address) from failure
        entry.more |= {"http_status": answer.status, "took_seconds": round(answer.seconds, 4)}
        return self._page(read_answer(answer.body, answer.content_type), answer.address, request.method)

    async def _unheard_try(self, request: Request, fields: Mapping[str, str], token: str) -> None:
        try:
            await self.exchange.webhooks.send(request.address, request.method, fields, self.leg.cookies, token=token)
        except FetchFailed:
            return

    def _page(self, document: Document, address: str, method: str) -> Page:
        for fault in document.faults:
            if fault.severity is Severity.WARNING:
                self.leg.complain(fault.code, fault.message, Severity.WARNING, address)
        if document.error:
            raise DocumentFailed(document.error.code, document.error.message, address)
        return Page(document.verbs, address, method)

    async def action(self, verb: Verb, page: Page, fields: Mapping[str, str]) -> Page | None:
        """Request a verb's action with its result; None where it has none: the next verb runs."""
        if not verb.get("action"):
            return None
        return await self.fetch(Request(self.resolve(verb.get("action"), page), verb.get("method", "POST"), fields))

    def farewell(self, verb: Verb, page: Page, fields: Mapping[str, str], *, default_here: bool = False) -> None:
        """Request a verb's action for an answer that nobody will follow (hang-up, take-over)."""
        link = verb.get("action") or (page.address if default_here else "")
        if link and (page.address or urlsplit(link).scheme):
            self.leg.farewell(self.resolve(link, page), verb.get("method", "POST"), fields)

    def callback(self, verb: Verb, name: str, page: Page, events: str) -> Callback:
        """A verb's status callback; `events` where the verb names none."""
        link = verb.get(name)
        wanted = frozenset(verb.get(f"{name}Event", events).split())
        return Callback(self.resolve(link, page) if link else "", verb.get(f"{name}Method", "POST"), wanted)

    async def run(self, request: Request) -> None:
        """Fetch a document and follow it to its end. Raises DocumentFailed, HungUp, TakenOver, LeftQueue."""
        await self.follow(await self.fetch(request))

    async def follow(self, page: Page) -> None:
        """Carry out a page, and those that take over from it, to the end."""
        current: Page | None = page
        while current is not None:
            current = await self._verbs(current)

    async def _verbs(self, page: Page) -> Page | None:
        for verb in page.verbs:
            if self.allowed is not None and verb.name not in self.allowed:
                self.leg.complain(self.nesting_code, f"<{verb.name}> is not allowed here; it is skipped", url=page.address)
                continue
            self._answer_before(verb)
            if taking_over := await PERFORMERS[verb.name](self, verb, page):
                return taking_over
        self._answer_before(None)
        return None

    def _answer_before(self, verb: Verb | None) -> None:
        """Every verb answers a ringing call, except <Reject> and a <Dial> that answers on the bridge."""
        if self.leg.status is not Status.RINGING or self.leg.direction != "inbound":
            return
        if verb is None or not (verb.name == "Reject" or (verb.name == "Dial" and verb.yes("answerOnBridge"))):
            self.leg.answer()

    # audio ------------------------------------------------------------------------------------------------------

    async def sound(self, kind: Kind, text: str, seconds: float, *, who: str = "") -> None:
        """Something is audible for so many seconds of the carrier's world, or until `stop`."""
        entry = self.leg.line.note(kind, text, who=who, lasting=True)
        try:
            if self.stop is None:
                await self.leg.rest(seconds)
                return
            try:
                async with asyncio.timeout(self.exchange.pace.real_seconds(seconds)):
                    await self.leg.attend(self.stop.wait())
                entry.close(cut=True)
            except TimeoutError:
                return
        finally:
            self.leg.line.close(entry, cut=self.leg.interruption is not None)

    async def speak(self, text: str) -> None:
        """The synthetic voice says `text`."""
        await self.sound(Kind.SAY, text, Pace.speech_seconds(text))


async def steer(leg: Leg, request: Request) -> None:
    """Run a leg's documents until it ends: take-overs, fallback and the carrier's own apology included."""
    fallbacks = 0
    while leg.live:
        execution = Execution(leg)
        try:
            await execution.run(request)
            leg.end(Status.COMPLETED, "service")
        except DocumentFailed as failure:
            leg.complain(failure.code, str(failure), Severity.ERROR, failure.address)
            fallbacks += 1
            if leg.fallback is None or failure.address == leg.fallback.address or fallbacks > MOST_FALLBACKS:
                await _apologise(execution)
                return
            request = Request(
                leg.fallback.address,
                leg.fallback.method,
                {"ErrorCode": str(failure.code), "ErrorUrl": failure.address or request.address},
            )
        except TakenOver as taken:
            leg.resume()
            request = taken.request
        except LeftQueue:
            leg.complain(12200, "<Leave> outside a wait document; it is skipped")
            leg.end(Status.COMPLETED, "service")
        except HungUp:
            return


async def _apologise(execution: Execution) -> None:
    leg = execution.leg
    leg.application_error = True
    if leg.status is Status.RINGING:
        leg.answer()
    try:
        await execution.sound(Kind.SAY, APOLOGY, Pace.speech_seconds(APOLOGY), who="carrier")
    except (HungUp, TakenOver):
        return
    leg.end(Status.FAILED if leg.answered_at is None else Status.COMPLETED, "carrier")
