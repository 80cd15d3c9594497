"""Look-ups by name, as the engine's `World` wants them: always an answer in time, never an exception.

Each connector has its own cache and circuit breaker. Questions run on a small pool of threads: facts side by side, and a source that
hangs keeps a thread, not the caller. A table that is in memory already is asked without one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ivr.call import Caller
from ivr.configuration.model import Configuration, Connector, FactSource, HttpSource, SqlSource
from ivr.connectors.addresses import Resolver, system_resolver
from ivr.connectors.asking import Source, SourceFailed
from ivr.connectors.databases import SqlQuery
from ivr.connectors.fields import read_field
from ivr.connectors.guarding import Cache, CircuitBreaker
from ivr.connectors.tables import CsvTable
from ivr.connectors.web import SETTING, HttpService
from ivr.errors import ConnectorError
from ivr.world import LookUp

LONGEST_ARGUMENT = 200
THREADS = 32
MOST_AT_ONCE = 8
"""Questions in progress per connector: one that hangs must not take the threads of all the others."""


@dataclass(frozen=True)
class _Guarded:
    connector: Connector
    source: Source
    cache: Cache
    breaker: CircuitBreaker
    places: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE))


class Connectors:
    """The connectors of a configuration. `folder` holds its tables; `clock` (monotonic seconds) and `now` can be driven in tests."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolver: Resolver = system_resolver,
    ) -> None:
        environment = os.environ if environment is None else environment
        self._facts, self._now, self._clock = dict(configuration.facts), now, clock
        self._zone = ZoneInfo(configuration.timezone)
        self._guarded = {
            name: _Guarded(
                connector,
                source_of(connector, folder, environment, resolver),
                Cache(connector.cache_seconds, clock),
                CircuitBreaker(connector.breaker.failures, connector.breaker.rest_seconds, clock),
            )
            for name, connector in configuration.connectors.items()
        }
        self._threads: ThreadPoolExecutor | None = None

    def look_up(self, connector: str, arguments: Mapping[str, Any], within_seconds: float) -> LookUp:
        """Ask `connector`; the answer comes within the shorter of its own limit and `within_seconds`. Private ones are refused."""
        guarded = self._guarded.get(connector)
        if guarded is None or guarded.connector.private:
            return LookUp("failed", error=f"there is no connector {connector}")
        return self._ask_in_time(guarded, arguments, within_seconds)

    def look_up_private(self, connector: str, arguments: Mapping[str, Any], within_seconds: float) -> LookUp:
        """The same for identification, which alone may see private connectors."""
        guarded = self._guarded.get(connector)
        if guarded is None:
            return LookUp("failed", error=f"there is no connector {connector}")
        return self._ask_in_time(guarded, arguments, within_seconds)

    def facts_of(self, caller: Caller, wanted: tuple[str, ...], within_seconds: float) -> dict[str, LookUp]:
        """The facts of config/connectors.yaml about a caller, by name; those that need nothing of one another side by side.

        A number that names nobody in particular is looked up nowhere. Facts that are not configured are left out of the answer.
        """
        started = self._clock()
        deadline = time.monotonic() + within_seconds
        known: dict[str, Mapping[str, Any]] = {"caller": _caller_fields(caller)}
        found: dict[str, LookUp] = {}
        waiting = self._with_needed(wanted)
        while waiting:
            ready = [fact for fact in waiting.values() if not _roots(fact) & set(waiting)]
            asked: list[tuple[FactSource, Future[LookUp] | None]] = []
            for fact in ready:
                arguments = _arguments(fact, known)
                asked.append((fact, None if arguments is None else self._ask(fact, arguments)))
            futures = [future for _, future in asked if future is not None]
            longest = max((fact.within_seconds for fact, future in asked if future is not None), default=0.0)
            wait_for(futures, timeout=max(0.0, min(longest, deadline - time.monotonic())))
            for fact, future in asked:
                result = _result(future, started, self._clock)
                if result.result != "found" and fact.otherwise is not None:
                    result = LookUp(result.result, dict(fact.otherwise), result.ms, result.cached, result.error)
                found[fact.fact] = result
                if result.fields:
                    known[fact.fact] = result.fields
                del waiting[fact.fact]
        return {name: found[name] for name in wanted if name in found}

    def check(self) -> dict[str, str]:
        """Connectors that cannot work as configured, with the reason: for `ivr doctor`."""
        problems = {}
        for name, guarded in self._guarded.items():
            if isinstance(guarded.source, Unusable):
                problems[name] = guarded.source.reason
        return problems

    def close(self) -> None:
        """Let threads and connections go."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        for guarded in self._guarded.values():
            guarded.source.close()

    def _with_needed(self, wanted: tuple[str, ...]) -> dict[str, FactSource]:
        needed: dict[str, FactSource] = {}
        open_names = list(wanted)
        while open_names:
            name = open_names.pop()
            if name in self._facts and name not in needed:
                needed[name] = self._facts[name]
                open_names += _roots(self._facts[name])
        return needed

    def _ask(self, fact: FactSource, arguments: Mapping[str, Any]) -> Future[LookUp]:
        return self._submit(self._guarded[fact.connector], arguments, fact.within_seconds)

    def _ask_in_time(self, guarded: _Guarded, arguments: Mapping[str, Any], within_seconds: float) -> LookUp:
        started = self._clock()
        seconds = min(within_seconds, guarded.connector.within_seconds)
        future = self._submit(guarded, arguments, seconds)
        wait_for([future], timeout=seconds)
        return _result(future, started, self._clock)

    def _submit(self, guarded: _Guarded, arguments: Mapping[str, Any], seconds: float) -> Future[LookUp]:
        """The answer to come. It is there at once where the source has it at hand, or too many questions to it are in progress."""
        if guarded.source.at_hand():
            return _answered(self._ask_source(guarded, arguments, seconds))
        if not guarded.places.acquire(blocking=False):
            return _answered(LookUp("failed", error=f"{guarded.connector.name} is busy"))
        future = self._pool().submit(self._ask_source, guarded, arguments, seconds)
        future.add_done_callback(lambda _: guarded.places.release())
        return future

    def _ask_source(self, guarded: _Guarded, arguments: Mapping[str, Any], seconds: float) -> LookUp:
        """On a thread of the pool, unless the source has the answer at hand: cache, breaker, source, types."""
        started = self._clock()
        connector = guarded.connector
        texts = {name: str(arguments[name])[:LONGEST_ARGUMENT] for name in connector.find if arguments.get(name) is not None}
        if len(texts) != len(connector.find):
            return LookUp("not_found")
        key = tuple(sorted(texts.items()))
        kept, fields = guarded.cache.get(key)
        if not kept:
            if not guarded.breaker.lets_through():
                return LookUp("failed", error=f"{connector.name} is left alone after failures")
            today = self._now().astimezone(self._zone)
            try:
                row = guarded.source.find(texts, seconds, today)
            except SourceFailed as error:
                guarded.breaker.note(False)
                return LookUp("failed", ms=(self._clock() - started) * 1000, error=str(error))
            guarded.breaker.note(True)
            fields = None
            if row is not None:
                typed = {name: read_field(kind, row.get(name), today.date()) for name, kind in connector.fields.items()}
                fields = {name: value for name, value in typed.items() if value is not None}
            guarded.cache.put(key, fields)
        spent = (self._clock() - started) * 1000
        return LookUp("not_found", ms=spent, cached=kept) if fields is None else LookUp("found", dict(fields), spent, kept)

    def _pool(self) -> ThreadPoolExecutor:
        """Made on first use: threads do not survive a fork."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "look-up")
        return self._threads


class Unusable:
    """Stands in for a source that cannot work here, for instance because a setting is missing: it fails with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def find(self, arguments: Mapping[str, str], within_seconds: float, now: datetime) -> None:
        """Always fails."""
        raise SourceFailed(self.reason)

    def at_hand(self) -> bool:
        """It fails at once."""
        return True

    def close(self) -> None:
        """Nothing to let go."""


def source_of(connector: Connector, folder: Path, environment: Mapping[str, str], resolver: Resolver = system_resolver) -> Source:
    """The source a connector names."""
    source = connector.source
    if isinstance(source, HttpSource):
        missing = [name for value in source.headers.values() for name in SETTING.findall(value) if not environment.get(name)]
        if missing:
            return Unusable(f"{missing[0]} is not set: {connector.name} sends it in a header")
        return HttpService(
            source.url, method=source.method, query=source.query, headers=source.headers, body=source.body, read=source.read,
            not_found_on=source.not_found_on, networks=source.networks, environment=environment, resolver=resolver,
        )  # fmt: skip
    if isinstance(source, SqlSource):
        url = environment.get(source.database, "")
        try:
            return SqlQuery(url, source.query) if url else Unusable(f"{source.database} is not set: give it a SQLAlchemy URL")
        except ConnectorError as error:
            return Unusable(f"{source.database}: {error}")
    kind = connector.fields.get(source.latest or "", "text")
    return CsvTable(folder / source.path, connector.find, source.latest, kind)


def _caller_fields(caller: Caller) -> dict[str, Any]:
    return {
        "number": caller.number if caller.known_number else None,
        "kind": caller.kind.value,
        "country": caller.country,
        "name": caller.name,
        "attestation": caller.attestation.value,
    }


def _roots(fact: FactSource) -> set[str]:
    return {place.partition(".")[0] for place in fact.arguments.values()} - {"caller", "call"}


def _arguments(fact: FactSource, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The values to ask with, or None where one is not known: then there is nothing to look up."""
    values = {}
    for name, place in fact.arguments.items():
        root, _, key = place.partition(".")
        value = known.get(root, {}).get(key)
        if value is None:
            return None
        values[name] = value
    return values


def _answered(answer: LookUp) -> Future[LookUp]:
    future: Future[LookUp] = Future()
    future.set_result(answer)
    return future


def _result(future: Future[LookUp] | None, started: float, clock: Callable[[], float]) -> LookUp:
    if future is None:
        return LookUp("not_found")
    try:
        return future.result(timeout=0)
    except TooLate:
        future.cancel()
        return LookUp("failed", ms=(clock() - started) * 1000, error="no answer in time")
