"""Worlds and flows for the engine's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ivr.steps as steps
from ivr.actions import Action, Listen, Say
from ivr.call import Arrived, Caller, CallerKind, Keyed, Session, Silent, Spoke
from ivr.engine import Turn, begin, take_turn
from ivr.house import House
from ivr.language.bundle import Bundle, compile_bundle, compile_folder
from ivr.phrases import load_house
from ivr.rehearsal import Given, Outside, Rehearsal
from ivr.world import LookUp

assert steps

REPOSITORY = Path(__file__).parent.parent.parent
START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CALLER = Caller(CallerKind.PHONE, "+447700900103", "+447700900103", country="GB")
WITHHELD = Caller(CallerKind.WITHHELD, None, "anonymous")
HOUSE: House = load_house(REPOSITORY / "config")[0]


def clinic() -> Bundle:
    """The flow with a bit of everything."""
    return compile_folder(REPOSITORY / "tests" / "calls" / "flows").required()


def bundle_of(steps_text: str, **header: str) -> Bundle:
    """A bundle with one flow "line" of these steps (indented by two); problems of advice do not matter, errors do."""
    lines = {"flow": "line", "format": "1", "title": "A line", "languages": "[en-GB]", **header}
    text = "\n".join(f"{name}: {value}" for name, value in lines.items()) + "\nsteps:\n" + steps_text
    return compile_bundle({"line.yaml": text}).required()


def world(given: Given | None = None, **fields: Any) -> Rehearsal:
    """A rehearsal with the house's real wording and nothing else real."""
    return Rehearsal(Outside(house=HOUSE, **fields), given, START)


class Conversation:
    """A call under way: `say`, `press`, `be_silent`; `heard` is what was said since."""

    def __init__(self, bundle: Bundle, world: Rehearsal, caller: Caller = CALLER, flow: str = "line") -> None:
        self.bundle, self.world = bundle, world
        self.turn: Turn = begin(
            bundle, flow, Arrived("CA1", "e0", world.now, caller, "+442079460000"), contact_id="CA1", revision="r1", world=world
        )
        self.count = 0
        self.turns = [self.turn]

    @property
    def session(self) -> Session:
        return self.turn.session

    @property
    def step(self) -> str:
        return self.session.frame.step

    @property
    def heard(self) -> str:
        return spoken(self.turn.actions)

    @property
    def last(self) -> Action:
        return self.turn.actions[-1]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """Data of all notes of a kind so far."""
        return [note.data for turn in self.turns for note in turn.notes if note.kind == kind]

    def event(self) -> tuple[str, str, datetime]:
        self.count += 1
        self.world.tick(2)
        return "CA1", f"e{self.count}", self.world.now

    def take(self, event: Any) -> str:
        self.turn = take_turn(self.bundle, Session.from_json(self.session.to_json()), event, self.world)
        self.turns.append(self.turn)
        return self.heard

    def say(self, text: str, sureness: float | None = 0.9) -> str:
        return self.take(Spoke(*self.event(), text=text, sureness=sureness))

    def press(self, digits: str) -> str:
        return self.take(Keyed(*self.event(), digits=digits))

    def be_silent(self) -> str:
        return self.take(Silent(*self.event()))


def spoken(actions: tuple[Action, ...]) -> str:
    """All text of actions, in order."""
    found = []
    for action in actions:
        for part in action.prompts if isinstance(action, Listen) else (action,):
            if isinstance(part, Say):
                found.append(part.text)
    return " ".join(found)


def found(**fields: Any) -> LookUp:
    """A look-up that found these fields."""
    return LookUp("found", fields)
