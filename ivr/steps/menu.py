"""`menu`: offer choices by speech and keypad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ivr.actions import Listen
from ivr.call import Keyed, Spoke
from ivr.dialogue import goals
from ivr.dialogue.bands import Band, judge
from ivr.dialogue.choosing import hints, meant_of, named_key, open_options
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.sayings import saying
from ivr.dialogue.ways import Go, Way
from ivr.house import tidy
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Option, Prompt, Reprompts
from ivr.redaction import redact
from ivr.world import Candidate, Understanding

YES, NO = "yes", "no"
MOST_PENDING = 3


@kind("menu")
@dataclass(frozen=True)
class Menu(Question):
    """Offer choices; the caller says what is wanted or presses a key."""

    menu: Prompt = setting(Kind.PROMPT, "What the caller hears before the choices.", required=True, spoken=True)
    options: tuple[Option, ...] = setting(
        Kind.MENU_OPTIONS, "The choices: each has a `go` and a `key`, an `intent` or both; `text` is read aloud.", required=True
    )
    sure_at: float | None = setting(
        Kind.NUMBER, "Less certain than this: ask again. House default in config/intents.yaml.", least=0, most=1
    )
    confirm_below: float | None = setting(
        Kind.NUMBER, "Less certain than this: ask whether it is right. House default in config/intents.yaml.", least=0, most=1
    )
    input: str = setting(Kind.CHOICE, "How the caller may answer.", choices=("both", "keys", "speech"), default="both")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may interrupt.", default=True)
    without: tuple[str, ...] = setting(
        Kind.CHOICES,
        "Universal commands switched off here.",
        choices=("agent", "repeat", "help", "main_menu", "wait"),
        default=(),
    )
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts()
    )
    give_up: str = goes(Exit.MUST, "Where the call goes when the reprompts are used up.")

    # --- asking

    def enter(self, progress: Progress) -> Way:
        offered = self._offer_pending(progress)
        return offered if offered is not None else super().enter(progress)

    def pose(self, progress: Progress) -> None:
        progress.say(self.menu)
        self._read_out(progress)

    def help_more(self, progress: Progress) -> None:
        self._read_out(progress)

    def ears(self, progress: Progress) -> Listen:
        return Listen(
            keys=self.input != "speech",
            speech=self.input != "keys",
            digits=1,
            finish_key="" if any(option.key == "#" for option in self.options) else "#",
            silence_seconds=round(self.silence),
            hints=hints(progress, self.options, self.without),
            barge_in=self.barge_in,
        )

    def _read_out(self, progress: Progress) -> None:
        """The choices that are open to this caller and have a text; of several for one key or intent only the first that holds."""
        for option in self._open(progress):
            progress.say(option.text)

    def _open(self, progress: Progress) -> list[Option]:
        return open_options(progress, self.options)

    # --- answers

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        option = next((option for option in self._open(progress) if option.key == digits[:1]), None)
        return None if option is None else self._press(progress, option)

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        options = self._open(progress)
        spoken_key = named_key(progress, spoke.text, options)
        if spoken_key is not None:
            return self._press(progress, spoken_key)
        if self._takes_yes_no():
            way = self._yes_no(progress, spoke, options)
            if way is not None:
                return way
        return self._understand(progress, spoke, options)

    def settle(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Way | None:
        if asking["kind"] == "choice":
            return self._settle_choice(progress, asking, event)
        answer = self.yes_or_no(progress, event)
        if asking["kind"] == "pending":
            return self._settle_pending(progress, asking, event, answer)
        if answer is None:
            return self._fresh(progress, event, repeated=asking["intent"])
        self.close_aside(progress)
        if answer:
            return self._accept(progress, asking, Candidate(asking["intent"], asking["confidence"]), "confirmed")
        return self._corrected(progress, [asking["intent"]], event)

    def unsettled(self, progress: Progress, asking: dict[str, Any]) -> Way:
        if asking["kind"] == "pending":
            return super().enter(progress)
        return self.stumble(progress, "silence")

    # --- understanding

    def _understand(self, progress: Progress, spoke: Spoke, options: list[Option], repeated: str | None = None) -> Way | None:
        intents = tuple(dict.fromkeys(option.intent for option in options if option.intent and option.intent not in (YES, NO)))
        if not intents:
            return None
        house = progress.world.house
        understanding = progress.world.understand(spoke.text, progress.language, intents)
        refused = progress.memory.get("refused", [])
        verdict = judge(
            understanding,
            allowed=intents,
            refused=refused,
            sure_at=house.sure_at if self.sure_at is None else self.sure_at,
            confirm_below=house.confirm_below if self.confirm_below is None else self.confirm_below,
            close_margin=house.close_margin,
            sureness=spoke.sureness,
        )
        if verdict.band is Band.REJECT:
            self._not_understood(progress, spoke, understanding, verdict.candidates)
            return None
        best = verdict.candidates[0]
        wish = wish_of(
            understanding, [c.intent for c in understanding.also if c.confidence >= house.sure_at and c.intent not in refused]
        )
        if verdict.band is Band.ACCEPT or best.intent == repeated:
            return self._accept(progress, wish, best, "accept" if verdict.band is Band.ACCEPT else "confirmed")
        progress.note(
            "Unsure",
            step=self.name,
            text=redact(spoke.text),
            candidates=[[c.intent, round(c.confidence, 3)] for c in verdict.candidates],
            model=understanding.model,
        )
        if verdict.band is Band.CHOICE:
            first, second = verdict.candidates
            self._say_choice(progress, first.intent, second.intent)
            between = [[c.intent, c.confidence] for c in verdict.candidates]
            return self.open_aside(progress, {**wish, "kind": "choice", "between": between})
        progress.phrase("is_that_right", what=house.named(best.intent, progress.language))
        return self.open_aside(progress, {**wish, "kind": "confirm", "intent": best.intent, "confidence": best.confidence})

    @property
    def wishes(self) -> frozenset[str]:
        """The intents that lead on from here; yes and no are answers, not wishes."""
        return frozenset(option.intent for option in self.options if option.intent and option.intent not in (YES, NO))

    def certain_wish(self, progress: Progress, spoke: Spoke) -> Go | None:
        """Said at another question: the option that is meant for certain, if it is another wish than the present one."""
        options = self._open(progress)
        intents = tuple(
            option.intent for option in options if option.intent and option.intent not in (YES, NO, progress.goal.get("intent"))
        )
        if not intents:
            return None
        house = progress.world.house
        understanding = progress.world.understand(spoke.text, progress.language, intents)
        confirm_below = house.confirm_below if self.confirm_below is None else self.confirm_below
        verdict = judge(
            understanding, allowed=intents, sure_at=1.0, confirm_below=confirm_below, close_margin=0.0, sureness=spoke.sureness
        )
        if verdict.band is not Band.ACCEPT:
            return None
        way = self._accept(progress, wish_of(understanding, []), verdict.candidates[0], "accept")
        return None if way is None else Go(way.step)

    def _accept(self, progress: Progress, wish: dict[str, Any], candidate: Candidate, band: str) -> Go | None:
        """Follow a wish (see `wish_of`): its values wait for the asks that follow, its second intent for later."""
        option = next((option for option in self._open(progress) if option.intent == candidate.intent), None)
        if option is None:
            return None
        progress.heard_now = wish["said"]  # not the yes that confirmed it
        progress.slots.clear()  # values belong to the wish they were said with
        for slot_kind, value, sureness in wish["slots"]:
            progress.slots[slot_kind] = [value, sureness]
        entity = next((str(value) for slot_kind, value, _ in wish["slots"] if slot_kind == "digits"), None)
        before = progress.session.pending_intents
        room = MOST_PENDING - len(before)
        waiting = [other for other in wish["also"] if other != candidate.intent and other not in before][: max(0, room)]
        progress.session = progress.session.but(pending_intents=(*before, *waiting))
        if waiting:
            progress.kept.setdefault("call", {})["also_said"] = wish["said"]
        way = self._choose(progress, option, candidate, band, entity, wish["model"])
        for other in waiting:
            progress.note("AlsoWanted", step=self.name, intent=other, wanted=True)
        return way

    def _press(self, progress: Progress, option: Option) -> Go:
        if option.intent not in (YES, NO):
            progress.slots.clear()
        return self._choose(progress, option, Candidate(option.intent or "", 1.0), "key")

    def _choose(
        self, progress: Progress, option: Option, candidate: Candidate, band: str, entity: str | None = None, model: str = ""
    ) -> Go:
        intent = candidate.intent
        if intent == NO:
            goals.nothing_more(progress)
        elif intent and intent != YES:
            goals.asked_again(progress, intent)
            progress.note(
                "Understood",
                step=self.name,
                intent=intent,
                confidence=round(candidate.confidence, 3),
                band=band,
                entity=entity,
                model=model,
            )
            goals.started(progress, intent, entity)
            pending = tuple(other for other in progress.session.pending_intents if other != intent)
            intents = (*progress.session.intents, intent)[-50:]
            progress.session = progress.session.but(intents=intents, pending_intents=pending)
            progress.kept["intent"] = {"name": intent, "confidence": round(candidate.confidence, 3)}
        return Go(option.go, f"option {self.options.index(option) + 1}")

    def _not_understood(
        self, progress: Progress, spoke: Spoke, understanding: Understanding, candidates: tuple[Candidate, ...]
    ) -> None:
        best = candidates[0] if candidates else None
        progress.note(
            "NotUnderstood",
            step=self.name,
            tries=progress.memory.get("unclear", 0) + 1,
            text=redact(spoke.text),
            best=best.intent if best else None,
            confidence=round(best.confidence, 3) if best else None,
            model=understanding.model,
        )

    # --- yes and no

    def _takes_yes_no(self) -> bool:
        return any(option.intent in (YES, NO) for option in self.options)

    def _yes_no(self, progress: Progress, spoke: Spoke, options: list[Option]) -> Way | None:
        """An option with the intent yes or no. Where only yes is offered, "no" is as good as saying nothing more; more words after
        yes, or none at all about yes, may already say what is wanted at the menu that yes leads to."""
        by_intent = {option.intent: option for option in reversed(options)}
        answer = self.yes_or_no(progress, spoke)
        beyond = self._menu_behind(progress, by_intent.get(YES))
        if answer is not False and beyond is not None and len(tidy(spoke.text).split()) > 2:
            notes = len(progress.notes)
            way = beyond._understand(progress, spoke, beyond._open(progress))
            if isinstance(way, Go):
                return Go(way.step)  # the exit belongs to the menu behind, which was never entered
            del progress.notes[notes:]
            self.close_aside(progress)
            progress.forget_actions()
        if answer is True and YES in by_intent:
            return self._choose(progress, by_intent[YES], Candidate(YES, 1.0), "accept")
        if answer is False:
            # "No wait, can I …" is another wish, not the end: hanging up on it cannot be made good.
            rest = tidy(spoke.text).partition(" ")[2]
            if beyond is not None and len(rest.split()) > 2 and not saying(rest, progress.wording, ("done", "neither")):
                way = beyond.certain_wish(progress, Spoke(spoke.call_id, spoke.event_id, spoke.at, rest, spoke.sureness))
                if way is not None:
                    return way
            if NO in by_intent:
                return self._choose(progress, by_intent[NO], Candidate(NO, 1.0), "accept")
            goals.nothing_more(progress)
            return progress.go("give_up", unhappy=False)
        return None

    def _menu_behind(self, progress: Progress, option: Option | None) -> Menu | None:
        step = progress.flow.steps.get(option.go) if option else None
        return step if isinstance(step, Menu) and step is not self else None

    # --- questions beside the question

    def _fresh(self, progress: Progress, event: Keyed | Spoke, repeated: str | None = None) -> Way | None:
        """Instead of yes or no the caller said or pressed something else: perhaps an answer to the menu itself."""
        open_before = dict(progress.memory.get("asking", {}))
        if isinstance(event, Keyed):
            way = self.hear_keys(progress, event.digits)
        else:
            way = self._understand(progress, event, self._open(progress), repeated)
        if isinstance(way, Go):
            self.close_aside(progress)
        elif way is None:
            progress.memory["asking"] = open_before
        return way

    def _corrected(self, progress: Progress, intents: list[str], event: Keyed | Spoke) -> Way:
        """The caller said no: never guess that again here; the rest of the sentence may say what is meant."""
        for intent in intents:
            progress.note("Corrected", step=self.name, intent=intent)
        progress.memory["refused"] = [*progress.memory.get("refused", []), *intents]
        if isinstance(event, Spoke):
            rest = event.text.partition(" ")[2]
            if len(tidy(rest).split()) > 1 and not saying(rest, progress.wording, ("neither", "done")):
                way = self._understand(
                    progress, Spoke(event.call_id, event.event_id, event.at, rest, event.sureness), self._open(progress)
                )
                if way is not None:
                    return way
        if progress.memory.get("asides", 0) > 3:
            return self.stumble(progress, "unclear")
        progress.phrase("sorry_then")
        self.pose(progress)
        return self.listen(progress, remember=True)

    def _say_choice(self, progress: Progress, first: str, second: str) -> None:
        house = progress.world.house
        progress.phrase("which_one", first=house.named(first, progress.language), second=house.named(second, progress.language))
        progress.phrase("which_one_keys")

    def _settle_choice(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Way | None:
        between = asking["between"]
        number: int | None = None
        if isinstance(event, Keyed):
            number = {"1": 0, "2": 1}.get(event.digits)
        else:
            named = saying(event.text, progress.wording, ("first", "second", "neither"))
            if named == "neither" or (
                named is None and len(tidy(event.text).split()) <= 2 and self.yes_or_no(progress, event) is False
            ):
                self.close_aside(progress)
                return self._corrected(progress, [intent for intent, _ in between], event)
            number = {"first": 0, "second": 1}.get(named or "")
            if number is None:
                number = meant_of(progress, event.text, [intent for intent, _ in between])
        if number is None:
            return self._fresh(progress, event)
        self.close_aside(progress)
        return self._accept(progress, asking, Candidate(*between[number]), "choice")

    # --- the second wish of one sentence

    def _offer_pending(self, progress: Progress) -> Way | None:
        """ "You also wanted to …": asked once the first wish is served, where this flow can serve the second."""
        goal = progress.goal
        if goal and not goal.get("told") and not goal.get("astray"):
            return None  # the first wish is still being served
        for intent in progress.session.pending_intents:
            if self._serving(progress, intent) is None:
                continue
            progress.phrase("also_wanted", what=progress.world.house.named(intent, progress.language))
            return self.open_aside(progress, {"kind": "pending", "intent": intent})
        return None

    def _serving(self, progress: Progress, intent: str) -> tuple[Menu, Option] | None:
        menus = [self, *(step for step in progress.flow.steps.values() if isinstance(step, Menu) and step is not self)]
        for menu in menus:
            for option in menu._open(progress):
                if option.intent == intent:
                    return menu, option
        return None

    def _settle_pending(
        self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke, answer: bool | None
    ) -> Way | None:
        intent = asking["intent"]
        if answer is None:
            return self._fresh(progress, event) if isinstance(event, Spoke) else None
        self.close_aside(progress)
        serving = self._serving(progress, intent)
        if not answer:
            left = tuple(other for other in progress.session.pending_intents if other != intent)
            progress.session = progress.session.but(pending_intents=left)
            progress.note("AlsoWanted", step=self.name, intent=intent, wanted=False)
        elif serving is not None:
            progress.heard_now = progress.kept.get("call", {}).pop("also_said", None)
            menu, option = serving
            return Go(menu._choose(progress, option, Candidate(intent, 1.0), "confirmed").step)
        return super().enter(progress)


def wish_of(understanding: Understanding, also: list[str]) -> dict[str, Any]:
    """What a sentence brings besides its intent, as it is remembered while a side question is open: plain JSON, redacted."""
    slots = [[slot.kind, slot.value, slot.sureness] for slot in understanding.slots]
    return {"slots": slots, "also": also, "said": redact(understanding.text), "model": understanding.model}
