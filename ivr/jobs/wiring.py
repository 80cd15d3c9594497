"""Everything a process of the service needs, wired in one screen."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
import structlog

import ivr.steps  # noqa: F401  registers the kinds of step
from ivr.call import Caller
from ivr.configuration import load_configuration, names_of
from ivr.configuration.model import Configuration
from ivr.connectors import Connectors
from ivr.errors import IntentError, IvrError, SettingError
from ivr.identification import Identification
from ivr.jobs.configuring import day_of, routing_of
from ivr.jobs.consults import Consults
from ivr.jobs.legs import Legs
from ivr.jobs.links import Links
from ivr.jobs.live import Live
from ivr.jobs.outbox import Outbox
from ivr.jobs.outlook import Outlook
from ivr.jobs.promises import Promises
from ivr.jobs.returning import before_loss, sign_in_again
from ivr.jobs.supervision import Supervision
from ivr.jobs.switchboard import Switchboard
from ivr.jobs.talking import Talking
from ivr.numbers import callback_number
from ivr.phrases import read_house
from ivr.records.opening import open_store
from ivr.records.revisions import Revisions
from ivr.sessions import Calls, connect
from ivr.settings import Settings
from routing.board import Board

if TYPE_CHECKING:
    from ivr.intents.answers import AnswerBook
    from ivr.intents.recogniser import Recogniser

log = structlog.get_logger()

MODEL_CHECK_SECONDS = 2.0
FOLLOW_SECONDS = 2.0


class Line:
    """A support line as one process sees it. Nothing connects before it is used, so that a line may be built before forking."""

    def __init__(self, settings: Settings, *, speech: bool = True) -> None:
        if not settings.redis_url:
            raise SettingError("REDIS_URL is missing: expected the address of a Redis server, such as redis://127.0.0.1:6379/0")
        self.settings = settings
        self.links = Links(settings.public_url, settings.secret_key)
        self.configuration = load_configuration(settings.config_dir)
        if self.configuration.errors:
            raise SettingError(f"{settings.config_dir}: {self.configuration.errors[0]}")
        self.house = read_house(settings.config_dir)
        teams = {agent_id: agent.team for agent_id, agent in self.configuration.agents.items()}
        self.store = open_store(settings.database_url, settings.config_dir, teams=teams)
        self.redis = connect(settings.redis_url)
        self.calls = Calls(self.redis)
        self.outbox = Outbox(self.redis)
        self.board = Board(self.redis)
        self.legs = Legs(self.redis)
        self.outlook = Outlook(self.redis, self.board)
        self.switchboard = Switchboard(
            self.board, self.calls, self.outbox, self.outlook, settings.secret_key, team_of=self.team_of
        )
        self.promises = Promises(self)
        self.talking = Talking(self)
        self.consults = Consults(self)
        self.supervision = Supervision(self)
        self.connectors = Connectors(self.configuration, settings.config_dir)
        self.identification = Identification(self.configuration, self.connectors, self.store)
        self.revisions = Revisions(self.store, names_of(self.configuration))
        self._configuration_written = self._written()
        self._follow_at = time.monotonic() + FOLLOW_SECONDS
        self._follow_lock = threading.Lock()
        self._phrases_changed_at = 0
        self._speech = speech
        self._recogniser: Recogniser | None = None
        self._recogniser_checked = 0.0
        self._recogniser_lock = threading.Lock()
        if speech:
            self.recogniser()

    def team_of(self, agent_id: str) -> str | None:
        """The agent's team now: what the journal of a talk says for good."""
        agent = self.configuration.agents.get(agent_id)
        return agent.team if agent else None

    @cached_property
    def carrier(self) -> Any:
        """The carrier's REST API; needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."""
        from ivr.carriers.twilio.client import TwilioCarrier

        if not self.settings.account_sid:
            raise SettingError("TWILIO_ACCOUNT_SID is missing: expected the carrier account's id, AC and 32 hexadecimal digits")
        return TwilioCarrier(self.settings.account_sid, self.settings.auth_tokens[0], self.settings.carrier_api_url)

    @cached_property
    def answers(self) -> AnswerBook | None:
        """Knowledge answers; None in processes without speech."""
        from ivr.intents.answers import AnswerBook

        return AnswerBook.load(self.settings.config_dir) if self._speech else None

    @property
    def caller_id(self) -> str:
        """The number shown on calls that the system makes: the setting, else the first number that callers dial."""
        return self.settings.caller_id or next(iter(self.configuration.numbers.lines), "")

    @property
    def language(self) -> str:
        """The language of agents and apologies: that of the first line."""
        lines = self.configuration.numbers.lines.values()
        return next((line.language for line in lines if line.language), "en-GB")

    def now(self) -> datetime:
        return datetime.now(UTC)

    def after_fork(self) -> None:
        """In a forked worker: let go of what belongs to the parent, and learn who is on the board."""
        self.store.after_fork()
        self.redis.connection_pool.reset()
        self.configure_board()

    def outbox_over(self, client: redis.Redis) -> Outbox:
        """The same outbox over another connection, for waiting."""
        return Outbox(client)

    # Flows and speech

    def live(self, revision: str = "") -> Live:
        """The published revision, or the pinned one of a call in progress, compiled once per process."""
        self.follow()
        published = self.revisions.pinned(revision) if revision else self.revisions.current()
        return Live(self, published.bundle, published.name)

    def recogniser(self) -> Recogniser | None:
        """The active model; a newer one is taken up within seconds. None where there is none yet: callers use the keypad then."""
        if not self._speech:
            return None
        now = time.monotonic()
        if now - self._recogniser_checked > MODEL_CHECK_SECONDS and self._recogniser_lock.acquire(blocking=False):
            try:
                from ivr.intents.recogniser import Recogniser  # takes a second: only where speech is understood
                from ivr.intents.shelf import Shelf

                self._recogniser_checked = now
                active = Shelf(self.settings.models_dir).active
                if active and (self._recogniser is None or self._recogniser.version != active):
                    self._recogniser = Recogniser.load(self.settings.models_dir)
            except IntentError as error:
                log.error("no speech model: the old one stays", error=str(error))
            finally:
                self._recogniser_lock.release()
        return self._recogniser

    def phrase(self, name: str, language: str | None, **values: str) -> str:
        """A phrase of the house."""
        return self.house.phrase(name, language or self.language, **values)

    def has_audio(self, name: str) -> bool:
        """True where a recording of this name is served under /audio/."""
        return name in self._audio

    @cached_property
    def _audio(self) -> frozenset[str]:
        folder = self.settings.flows_dir / "audio"
        own = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
        return frozenset(own | {"hold.wav", "music/waiting.wav"})

    # Queues

    def today(self, now: datetime) -> dict[str, Any]:
        """The fact `today`: holiday or not."""
        return day_of(self.configuration, now)

    def about(self, call_id: str) -> dict[str, str]:
        """Who is calling and why, for the agent's ear."""
        talk = self.calls.talk(call_id)
        try:
            context = json.loads(talk.get("context") or "{}")
        except ValueError:
            context = {}
        queue = self.configuration.queues.get(talk.get("queue", ""))
        handed = context.get("handed_over") or {}
        return {
            "queue": queue.title if queue else talk.get("queue", ""),
            "who": str(context.get("customer_name") or context.get("name") or "a caller"),
            "why": self._why(str(context.get("reason") or ""), context.get("also_wanted") or []),
            "by": str(handed.get("by_name") or ""),
            "note": f": {handed['note']}" if handed.get("note") else "",
        }

    def _why(self, reason: str, also: list[str]) -> str:
        """What the call is about, all of it: what was heard beside the first wish is not asked for again."""
        wanted = [*([reason] if reason else []), *(intent for intent in also if intent != reason)]
        if not wanted:
            return ""
        names = [what.replace("_", " ") for what in wanted]
        first = self.phrase("agent_about", None, what=names[0])
        return first + "".join(self.phrase("agent_about_also", None, what=name) for name in names[1:])

    def ringable(self, caller: Caller, number: str) -> str | None:
        """`number` in E.164 where the rules of config/numbers.yaml, as they are now, let us ring `caller` on it; else None."""
        numbers = self.configuration.numbers
        own = {*numbers.lines, *(agent.address for agent in self.configuration.agents.values())}
        return callback_number(number, caller, numbers.callbacks, own=own, home_region=numbers.home_region).number

    def configure_board(self) -> None:
        """Tell the board of the configured agents and queues. One that lost everything gets its agents' states back, too."""
        try:
            lost = before_loss(self) if not self.redis.exists(self.board.keys.of("config")) else []
            self.board.configure(*routing_of(self.configuration))
            sign_in_again(self, lost)
        except redis.exceptions.RedisError as error:
            log.error("the board cannot be configured: Redis does not answer", error=str(error))

    def follow(self) -> bool:
        """Take up a changed config/ within seconds; True where that happened. What is unsound is said and not taken up."""
        now = time.monotonic()
        if now < self._follow_at or not self._follow_lock.acquire(blocking=False):
            return False
        try:
            self._follow_at = now + FOLLOW_SECONDS
            if self._written() == self._configuration_written:
                return False
            self._configuration_written = self._written()
            fresh = load_configuration(self.settings.config_dir)
            if fresh.errors:
                log.error("config/ is not taken up", problem=str(fresh.errors[0]), problems=len(fresh.errors))
                return False
            self._use(fresh)
            return True
        finally:
            self._follow_lock.release()

    def _use(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.house = read_house(self.settings.config_dir)
        self.connectors = Connectors(configuration, self.settings.config_dir)
        self.identification = Identification(configuration, self.connectors, self.store)
        self.revisions.names = names_of(configuration)
        self.__dict__.pop("answers", None)  # read again when next asked for
        self.configure_board()

    def _written(self) -> tuple[tuple[str, int], ...]:
        """When each file of config/ was written last."""
        found = []
        for path in sorted(self.settings.config_dir.glob("*.yaml")):
            with suppress(OSError):  # a file that is being replaced is seen in the next round
                found.append((path.name, path.stat().st_mtime_ns))
        return tuple(found)

    def phrases_changed(self) -> bool:
        """True once after config/intents.yaml changed."""
        try:
            changed = (self.settings.config_dir / "intents.yaml").stat().st_mtime_ns
        except OSError:
            return False
        before, self._phrases_changed_at = self._phrases_changed_at, changed
        return before not in (0, changed)

    def checks(self) -> dict[str, str]:
        """What readiness depends on: "ok" or a sentence."""
        found: dict[str, str] = {}
        for name, ask in (("redis", self.redis.ping), ("database", self.store.ping), ("flows", self.live)):
            try:
                ask()
                found[name] = "ok"
            except (IvrError, redis.exceptions.RedisError, OSError) as error:
                found[name] = str(error)[:200] or type(error).__name__
        return found


_line: Line | None = None


def open_line(settings: Settings, *, speech: bool = True) -> Line:
    """A line for this process."""
    return Line(settings, speech=speech)


def use_line(line: Line) -> None:
    """Background jobs of this process work on `line` from now on."""
    global _line
    _line = line


def line_of_this_process() -> Line:
    """The line opened by `use_line`."""
    if _line is None:
        raise SettingError("this process has no line: background jobs run under `ivr worker`")
    return _line
