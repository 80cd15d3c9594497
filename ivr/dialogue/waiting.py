"""What a waiting caller hears: short documents, one after another, none longer than half a minute.

Position and wait are told when they are known and have changed, comfort from time to time, music between. Keys while waiting:
1 call me back (where offered), 2 back to the menu, 3 it is solved; the same by voice right after something was said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ivr.actions import Leave, Listen, Pause, Play
from ivr.call import CallEvent, Keyed, Spoke, WaitAsked
from ivr.dialogue.progress import Progress
from ivr.dialogue.sayings import saying
from ivr.dialogue.ways import Stay, Way
from ivr.language.values import Offer
from ivr.redaction import redact
from ivr.world import QueueNow

NEWS_SECONDS = 45
"""A better position is told no sooner than this after the last announcement."""
COMFORT_SECONDS = 90
OFFER_SECONDS = 120
MOST_OFFERS = 3
KEYS_SECONDS = 180
ANSWER_SECONDS = 3
PAUSE_SECONDS = 20
"""Silence instead of music where there is none: without it the carrier would ask again at once, for ever."""
LONGEST_ANNOUNCED_MINUTES = 30
"""A longer estimate is not told: it is a reason to offer a callback, not an announcement."""

_KEYS = {"1": "callback", "2": "left", "3": "solved"}
_VOICE = {"call_back": "callback", "leave": "left", "solved": "solved"}


def wait_on(progress: Progress, event: CallEvent, queue: str, needs: Mapping[str, int], offer: Offer | None) -> Way:
    """The next thing a waiting caller hears, or the way out of the queue that was chosen."""
    memory = progress.memory
    waited = progress.event.at.timestamp() - memory.get("since", progress.event.at.timestamp())
    if isinstance(event, WaitAsked) and event.waited_seconds:
        waited = event.waited_seconds
    progress.waited_seconds = max(0.0, waited)
    if memory.get("leaving"):
        return _leave(progress, memory["leaving"])
    offered = offer is not None and progress.holds(offer.when)
    chosen = _chosen(progress, event, callback=offered or bool(memory.get("offers")))
    if chosen is not None:
        return _leave(progress, chosen)
    state = progress.queue_now(queue, needs)
    position = event.position if isinstance(event, WaitAsked) and event.position else state.position
    if _announce(progress, state, position, offered=offered):
        return progress.listen(Listen(digits=1, finish_key="", silence_seconds=ANSWER_SECONDS))
    return _music(progress)


def _announce(progress: Progress, state: QueueNow, position: int | None, *, offered: bool) -> bool:
    """Say what is news by now; returns whether anything was said."""
    memory = progress.memory
    waited = progress.waited_seconds or 0.0
    since = waited - memory.get("told_at", 0.0)  # the queue's own words came just before
    said = False
    if position is not None and (memory.get("position") is None or (position < memory["position"] and since >= NEWS_SECONDS)):
        if position == 1:
            progress.phrase("next_in_line")
        else:
            progress.phrase("position", position=str(position))
        memory["position"] = position
        said = True
    minutes = None if state.wait_minutes is None else max(1, math.ceil(state.wait_minutes))
    if minutes is not None and minutes <= LONGEST_ANNOUNCED_MINUTES:
        before = memory.get("minutes")
        if before is None or (minutes < before and since >= NEWS_SECONDS):
            progress.phrase("wait_estimate_one" if minutes == 1 else "wait_estimate", minutes=str(minutes))
            memory["minutes"] = minutes
            said = True
    if offered and memory.get("offers", 0) < MOST_OFFERS and waited - memory.get("offered_at", -math.inf) >= OFFER_SECONDS:
        progress.phrase("offer_callback")
        memory["offers"] = memory.get("offers", 0) + 1
        memory["offered_at"] = waited
        said = True
    if not said and since >= COMFORT_SECONDS * (1 if memory.get("comforts", 0) < 4 else 2):
        progress.phrase("still_there")
        memory["comforts"] = memory.get("comforts", 0) + 1
        said = True
        if waited - memory.get("keys_at", -math.inf) >= KEYS_SECONDS:
            progress.phrase("wait_keys")
            memory["keys_at"] = waited
    if said:
        memory["told_at"] = waited
    return said


def _music(progress: Progress) -> Stay:
    """Music (or silence) in which keys work; speech does not, for the music would be heard as speech."""
    music = progress.world.house.waiting_music
    prompt = Play(music, "", progress.language) if music else Pause(PAUSE_SECONDS)
    return progress.listen(Listen(digits=1, finish_key="", speech=False, silence_seconds=1), prompts=(prompt,))


def _chosen(progress: Progress, event: CallEvent, *, callback: bool) -> str | None:
    """What the caller chose by key or voice, if anything: callback, left or solved."""
    chosen: str | None = None
    name = progress.session.frame.step
    if isinstance(event, Keyed) and event.digits:
        progress.note("Heard", step=name, mode="keys", text=event.digits[:8], sureness=None, language=progress.language)
        chosen = _KEYS.get(event.digits[0])
    elif isinstance(event, Spoke) and event.text.strip():
        text = event.text[:200]
        progress.note("Heard", step=name, mode="speech", text=redact(text), sureness=event.sureness, language=progress.language)
        named = saying(text, progress.wording, _VOICE)
        chosen = _VOICE.get(named or "")
        if chosen is None and callback:
            slot = progress.world.read_slot("yes_no", text, progress.language, None, ())
            chosen = "callback" if slot is not None and slot.value is True else None
    return None if chosen == "callback" and not callback else chosen


def _leave(progress: Progress, result: str) -> Stay:
    if not progress.memory.get("leaving"):
        progress.memory["leaving"] = result
        progress.phrase("leaving_queue")
    return progress.finish(Leave(result))
