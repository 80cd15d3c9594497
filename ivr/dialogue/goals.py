"""When self-service has told what was asked: the rule behind the note GoalReached.

1. A caller chooses a menu option that has an intent (other than yes and no), by voice or key: that is what is wanted.
2. A `say`, an `answer`, a paid `pay` or a sent `text` on the way tells it, unless the way there went by an unhappy exit (give_up,
   not_found, failed, declined, unknown, refused). Coming to an `ask` or `identify` afterwards means that it was not yet told.
3. The goal is reached when the caller, having been told, comes to the end of the call, to its survey, or goes on to something else.
   `confirmed` is true where the caller answered "no, that is all" to a menu before (said, or by key), or that an answer helped;
   it is None for silence, hanging up and going on to something else. Asking for the same thing again, or for a person, means that
   it was not reached: nothing is written.
4. Waiting for a person, a callback or a voicemail drops the goal: somebody else serves it.
"""

from __future__ import annotations

from ivr.dialogue.progress import Progress
from ivr.language.values import FactName

ENTITY_FIELDS = ("number", "id")
"""Fields by which a fact is one certain thing: with the intent they tell two issues apart."""
_NO_ENTITY = frozenset({"customer", "caller", "call", "now", "today", "queue", "intent"})


def started(progress: Progress, intent: str, entity: str | None = None) -> None:
    """The caller wants something."""
    progress.goal.clear()
    progress.goal.update({"intent": intent, "entity": entity})


def told(progress: Progress, names: tuple[FactName, ...] = ()) -> None:
    """The step in progress has told something; `names` are the facts in it."""
    goal = progress.goal
    if not goal or goal.get("astray"):
        return
    goal["told"] = progress.session.frame.step
    for name in names:
        if name.root in _NO_ENTITY:
            continue
        entity = next((value for field in ENTITY_FIELDS if (value := progress.known(f"{name.root}.{field}"))), None)
        if entity is not None:
            goal["entity"] = str(entity)
            return


def going_on(progress: Progress) -> None:
    """The way went well again (found, filled, paid): what is said from now on counts."""
    progress.goal.pop("astray", None)


def not_yet(progress: Progress) -> None:
    """Something has to be asked first: what was said so far was not the answer."""
    progress.goal.pop("told", None)


def concluded(progress: Progress, *, confirmed: bool | None) -> None:
    """The caller has been told and answers, ends or says no more."""
    goal = progress.goal
    if goal.get("told"):
        sure = goal.get("confirmed") or confirmed
        progress.note("GoalReached", goal=goal["told"], intent=goal["intent"], entity=goal.get("entity"), confirmed=sure)
    goal.clear()


def nothing_more(progress: Progress) -> None:
    """ "No, that is all." Where that leads to a person after all ("did that help?" "no"), the goal is dropped there."""
    if progress.goal.get("told"):
        progress.goal["confirmed"] = True


def asked_again(progress: Progress, intent: str) -> None:
    """The caller chooses something at a menu after having been told."""
    if progress.goal.get("intent") == intent:
        progress.goal.clear()
    else:
        concluded(progress, confirmed=None)


def dropped(progress: Progress) -> None:
    """A person serves it."""
    progress.goal.clear()
