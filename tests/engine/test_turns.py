"""What holds for every turn: it ends, it never raises, nothing secret stays, whatever happens in whatever order."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from engine.worlds import CALLER, START, WITHHELD, Conversation, bundle_of, clinic, found, world
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import Continue, Dial, Hangup, Listen, Wait
from ivr.call import (
    Arrived,
    Charged,
    Continued,
    Ended,
    Keyed,
    Recorded,
    Session,
    Silent,
    Spoke,
    Transferred,
    WaitAsked,
    WaitEnded,
)
from ivr.engine import MOST_STEPS_A_TURN, TURN_ENDING, begin, take_turn
from ivr.rehearsal import Given
from ivr.world import Candidate, LookUp, QueueNow, Slot, Understanding

CLINIC = clinic()
ID = ("CA1", "e1", START)

happenings = st.one_of(
    st.builds(Keyed, st.just("CA1"), st.just("e"), st.just(START), digits=st.text("0123456789*#", min_size=0, max_size=12)),
    st.builds(
        Spoke,
        st.just("CA1"),
        st.just("e"),
        st.just(START),
        text=st.one_of(
            st.text(max_size=40),
            st.sampled_from(
                [
                    "yes",
                    "no",
                    "agent",
                    "repeat",
                    "main menu",
                    "wait",
                    "help",
                    "that's all",
                    "one",
                    "four nine two one",
                    "tomorrow",
                    "\x00\ud83d",
                ]
            ),
        ),
        sureness=st.one_of(st.none(), st.floats(0, 1)),
    ),
    st.just(Silent(*ID)),
    st.just(Continued(*ID)),
    st.builds(
        WaitAsked,
        st.just("CA1"),
        st.just("e"),
        st.just(START),
        position=st.one_of(st.none(), st.integers(1, 9)),
        waited_seconds=st.floats(0, 900),
    ),
    st.builds(
        WaitEnded,
        st.just("CA1"),
        st.just("e"),
        st.just(START),
        result=st.sampled_from(["talked", "no_answer", "closed", "nobody", "full", "callback", "solved", "left", "failed", "?"]),
    ),
    st.builds(Recorded, st.just("CA1"), st.just("e"), st.just(START), url=st.just("https://x/r"), seconds=st.floats(0, 60)),
    st.builds(
        Charged,
        st.just("CA1"),
        st.just("e"),
        st.just(START),
        result=st.sampled_from(["paid", "declined", "cancelled", "failed", "?"]),
    ),
    st.builds(Transferred, st.just("CA1"), st.just("e"), st.just(START), result=st.sampled_from(["talked", "busy", "?"])),
    st.just(Arrived(*ID, CALLER, "+442079460000")),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(happenings, max_size=25), st.booleans())
def test_any_order_of_happenings_is_harmless(events: list[Any], known: bool) -> None:
    """Late, repeated, swapped and foreign events: each turn ends properly and the session stays readable."""
    facts = {"customer": found(id="c1", first_name="Ana"), "invoice": found(amount_due="12.00")} if known else {}
    rehearsal = world(Given(facts=facts, secrets={"pin": "4921"}))
    turn = begin(
        CLINIC,
        "clinic",
        Arrived(*ID, CALLER if known else WITHHELD, "+442079460000"),
        contact_id="c",
        revision="r",
        world=rehearsal,
    )
    for number, event in enumerate(events):
        session = Session.from_json(turn.session.to_json())
        turn = take_turn(CLINIC, session, event, rehearsal)
        rehearsal.tick(3)
        assert isinstance(turn.actions[-1], TURN_ENDING)
        assert not any(isinstance(action, TURN_ENDING) for action in turn.actions[:-1])
        assert turn.session.turn == session.turn + 1 == number + 2
        assert not [note.data for note in turn.notes if note.kind == "Failed"]
        json.dumps([note.data for note in turn.notes])


def test_a_caller_who_hangs_up_ends_the_flow_once() -> None:
    call = Conversation(CLINIC, world(), flow="clinic")
    call.take(Ended(*call.event()))
    call.take(Ended(*call.event()))
    assert call.session.ended
    assert call.notes("LeftFlow") == [{"reason": "hung_up_by_caller", "flow": "clinic", "step": "main_menu"}]
    assert call.say("hello?") == ""
    assert isinstance(call.last, Hangup)


def test_a_repeated_arrival_says_the_question_again() -> None:
    call = Conversation(CLINIC, world(), flow="clinic")
    before = call.heard
    call.take(Arrived(*call.event(), CALLER, "+442079460000"))
    assert "What can I do for you?" in call.heard and "What can I do for you?" in before
    assert call.step == "main_menu" and not call.notes("Silence")


def test_every_prompt_is_heard_before_the_line_listens_and_notices_cannot_be_skipped() -> None:
    call = Conversation(CLINIC, world(), flow="clinic")
    listen = call.last
    assert isinstance(listen, Listen)
    assert [type(action).__name__ for action in call.turn.actions] == [
        "Say",
        "Listen",
    ]  # the notice stands before, uninterruptible
    assert [part.text for part in listen.prompts][:2] == ["Hello.", "What can I do for you?"]  # type: ignore[union-attr]
    assert listen.barge_in and listen.keys and listen.speech and listen.digits == 1
    assert listen.hints


# --- things that break


class Broken:
    """A world of which one part always breaks."""

    def __init__(self, part: str, given: Given | None = None) -> None:
        self._inner = world(given)
        self._part = part

    def __getattr__(self, name: str) -> Any:
        if name == self._part:

            def fail(*arguments: Any) -> Any:
                raise ZeroDivisionError("4111 1111 1111 1111 went wrong")

            return fail
        return getattr(self._inner, name)


@pytest.mark.parametrize(
    ("part", "acts"),
    [("understand", ["where is my order"]), ("look_up", ["#1", "#61594477", None]), ("read_slot", ["#1", "six one"])],
)
def test_a_broken_part_ends_with_an_apology_and_a_person(part: str, acts: list[str | None]) -> None:
    call = Conversation(CLINIC, Broken(part), flow="clinic")  # type: ignore[arg-type]
    for act in acts:
        if act is None:
            call.take(Continued(*call.event()))
        elif act.startswith("#"):
            call.press(act[1:])
        else:
            call.say(act)
    assert call.heard.startswith("Sorry, something went wrong on our side. I will take you to a person.")
    assert isinstance(call.last, Wait) and call.last.queue == "general"
    failed = call.notes("Failed")
    assert failed and failed[0]["error"].startswith("ZeroDivisionError at ")
    assert "4111" not in json.dumps(failed)


def test_facts_that_cannot_be_fetched_at_all_still_answer_the_call() -> None:
    call = Conversation(CLINIC, Broken("facts_of"), flow="clinic")  # type: ignore[arg-type]
    assert "I will take you to a person" in call.heard
    assert isinstance(call.last, Wait)


def test_broken_queues_lead_to_voicemail_then_to_an_honest_goodbye() -> None:
    text = """
  hello:
    menu: Hello.
    options: [{key: 1, go: person, text: Press one.}]
    reprompts: [Again.]
    give_up: person
  person:
    queue: general
    closed: message
    no_answer: message
    next: message
  message:
    voicemail: After the tone.
  bye:
    hangup: Bye.
"""
    call = Conversation(bundle_of(text), Broken("queue"))  # type: ignore[arg-type]
    call.press("1")
    assert "Sorry, something went wrong" in call.heard and "After the tone." in call.heard
    assert call.step == "message"
    nowhere = """
  hello:
    lookup: x
    with: {a: caller.number}
    save: thing
    not_found: bye
    failed: bye
  bye:
    hangup: Bye.
"""
    call = Conversation(bundle_of(nowhere), Broken("look_up"))  # type: ignore[arg-type]
    assert call.heard == "Sorry, we cannot take your call at the moment. Please call again later. Goodbye."
    assert isinstance(call.last, Hangup)
    assert call.notes("LeftFlow")[0]["reason"] == "failed"


def test_a_revision_without_the_flow_or_the_step_says_sorry() -> None:
    call = Conversation(CLINIC, world(), flow="no_such_flow")
    assert "we cannot take your call" in call.heard and isinstance(call.last, Hangup)
    call = Conversation(CLINIC, world(), flow="clinic")
    frame = call.session.frame
    moved = call.session.but(frames=(type(frame)(frame.flow, "gone"),))
    turn = take_turn(CLINIC, moved, Silent(*call.event()), call.world)
    assert isinstance(turn.actions[-1], Wait)


def test_steps_that_go_round_and_round_are_cut_off() -> None:
    """Lint refuses such a flow; a bundle that got past it must not hang the line."""
    from dataclasses import replace

    sound = bundle_of("""
  one:
    say: One.
  two:
    say: Two.
  bye:
    hangup: Bye.
""")
    flow = sound.flows["line"]
    looped = replace(flow, steps={**flow.steps, "two": replace(flow.steps["two"], next="one")})  # type: ignore[call-arg]
    call = Conversation(replace(sound, flows={"line": looped}), world())
    assert isinstance(call.last, Hangup)
    assert "we cannot take your call" in call.heard
    assert len(call.notes("StepEntered")) <= MOST_STEPS_A_TURN
    assert call.heard.count("One.") <= 1


def test_agent_enters_where_the_flow_decides_between_queues() -> None:
    text = """
  menu:
    menu: Hello.
    options: [{key: 1, go: english, text: Press one.}]
    reprompts: [Again.]
    give_up: adviser
  adviser:
    decide:
      - {when: call.language == "es-ES", go: spanish}
      - {go: english}
  spanish:
    queue: spanish
    closed: bye
    no_answer: bye
    next: bye
  english:
    queue: general
    closed: bye
    no_answer: bye
  bye:
    hangup: Bye.
"""
    call = Conversation(bundle_of(text), world())
    call.say("agent")
    assert isinstance(call.last, Wait) and call.last.queue == "general"


# --- secrets, facts


def test_a_secret_answer_is_used_for_the_look_up_and_then_gone() -> None:
    text = """
  pin:
    ask: Type your PIN.
    as: digits
    length: 4
    secret: yes
    save: customer.pin
    reprompts: [Again.]
    give_up: bye
  check:
    lookup: check_pin
    with: {pin: customer.pin}
    save: account
    not_found: bye
    failed: bye
  ok:
    say: Welcome.
  bye:
    hangup: Bye.
"""
    asked: list[dict[str, Any]] = []

    class Asked(type(world())):  # type: ignore[misc]
        def look_up(self, connector: str, arguments: dict[str, Any], within_seconds: float) -> LookUp:
            asked.append(arguments)
            return found(balance="1")

    rehearsal = world()
    rehearsal.__class__ = Asked
    call = Conversation(bundle_of(text), rehearsal)
    listen = call.last
    assert isinstance(listen, Listen) and listen.secret and not listen.speech
    assert call.press("4921") == "Welcome. Bye."
    assert asked == [{"pin": "4921"}]
    everything = call.session.to_json() + json.dumps([note.data for turn in call.turns for note in turn.notes])
    assert "4921" not in everything


def test_missing_facts_skip_variants_and_are_noted() -> None:
    text = """
  tell:
    say:
      - when: order.late
        text: It is late.
      - text: It comes on {{ order.due | day }}.
      - text: I know nothing about it.
  bye:
    hangup: Bye.
"""
    bundle = bundle_of(text, facts="[order]")
    call = Conversation(bundle, world(Given(facts={"order": found(number="1")})))
    assert call.heard == "I know nothing about it. Bye."
    assert {note["fact"] for note in call.notes("MissingFact")} == {"order.late", "order.due"}
    call = Conversation(bundle, world(Given(facts={"order": found(due="2026-11-25")})))
    assert call.heard == "It comes on tomorrow. Bye."


def test_what_a_built_in_fact_does_not_know_yet_is_no_missing_fact() -> None:
    call = Conversation(CLINIC, world(), flow="clinic")
    call.press("3")
    call.take(WaitAsked(*call.event()))  # offers a callback when queue.wait_minutes > 5, which nobody knows
    assert not call.notes("MissingFact")


ASKING = """
  hello:
    menu: Hello.
    options: [{key: 1, intent: order_status, go: number, text: Press one.}]
    reprompts: [Again.]
    give_up: bye
  number:
    ask: Which number?
    as: digits
    save: order.number
    reprompts: [Again.]
    give_up: bye
  more:
    menu: More?
    options: [{key: 1, go: number, text: Press one.}]
    reprompts: [Again.]
    give_up: bye
  bye:
    hangup: Bye.
"""


def test_what_is_known_is_confirmed_instead_of_asked() -> None:
    bundle = bundle_of(ASKING, facts="[order]")
    given_ = Given(facts={"order": found(number="4711")})
    call = Conversation(bundle, world(given_))
    assert call.press("1") == "Is it 4 7 1 1?"
    assert call.say("yes") == "More? Press one."
    assert call.notes("SlotFilled") == [{"fact": "order.number", "value": "4711", "source": "known"}]
    call = Conversation(bundle, world(given_))
    call.press("1")
    assert call.say("no it is not") == "Which number?"
    assert call.press("0815") == "More? Press one."
    assert call.notes("SlotFilled")[-1]["source"] == "asked" and not call.notes("Reasked")


def test_a_code_of_letters_and_digits_is_asked_for() -> None:
    bundle = bundle_of(ASKING.replace("as: digits", "as: alnum\n    length: 5"))
    call = Conversation(bundle, world())
    call.press("1")
    assert call.say("B as in bravo double four one two") == "I heard B 4 4 1, 2. Is that right?"
    assert call.say("yes") == "More? Press one."
    assert call.notes("SlotFilled") == [{"fact": "order.number", "value": "B4412", "source": "asked"}]


def test_a_code_typed_on_the_keypad_is_the_callers_own() -> None:
    bundle = bundle_of(ASKING.replace("as: digits", "as: alnum"), facts="[orders]")
    call = Conversation(bundle, world(Given(facts={"orders": found(numbers=["K7312", "B4412"])})))
    call.press("1")
    assert call.press("24412") == "More? Press one."
    assert call.notes("SlotFilled")[-1]["value"] == "B4412"


def test_another_wish_at_a_question_is_the_main_menus_whatever_stands_before_it() -> None:
    class Hearing(type(world())):  # type: ignore[misc]
        def understand(self, text: str, language: str, intents: tuple[str, ...]) -> Understanding:
            return Understanding(text, (Candidate("refund", 0.97),), model="m1")

    first = """
  known:
    menu: Shall we go on where we were?
    options: [{intent: yes, key: 1, go: number, text: "Yes: press one."}, {intent: no, key: 2, go: hello, text: "No: press two."}]
    reprompts: [Yes or no?]
    give_up: bye
"""
    asking = ASKING.replace("go: number, text: Press one.}]", "go: number, text: Press one.}, {intent: refund, go: money}]", 1)
    money = "  money:\n    say: Your money comes back.\n    next: bye\n"
    rehearsal = world()
    rehearsal.__class__ = Hearing
    call = Conversation(bundle_of(first + asking.lstrip("\n") + money), rehearsal)
    assert call.press("1") == "Which number?"
    assert call.say("no I want my money back").startswith("Your money comes back.")


def test_asking_again_for_the_same_wish_is_noted() -> None:
    call = Conversation(bundle_of(ASKING), world())
    call.press("1")
    call.press("4711")
    assert call.press("1") == "Which number?"
    assert call.notes("Reasked") == [{"fact": "order.number"}]


def test_the_sentence_with_the_wish_fills_the_question_that_follows() -> None:
    class Hearing(type(world())):  # type: ignore[misc]
        def understand(self, text: str, language: str, intents: tuple[str, ...]) -> Understanding:
            return Understanding(
                text, (Candidate("order_status", 0.95),), slots=(Slot("digits", "4711", "4711", 0.8),), model="m1"
            )

    rehearsal = world()
    rehearsal.__class__ = Hearing
    call = Conversation(bundle_of(ASKING), rehearsal)
    assert call.say("where is order four seven one one") == "I heard 4 7 1 1. Is that right?"
    assert call.press("1") == "More? Press one."
    assert call.notes("Understood")[0] | {} == {
        "step": "hello", "intent": "order_status", "confidence": 0.95, "band": "accept", "entity": "4711", "model": "m1",
    }  # fmt: skip
    assert call.notes("SlotFilled")[0]["source"] == "heard_with_intent"


def test_text_of_callers_is_data_and_stays_plain() -> None:
    text = """
  name:
    ask: Your name?
    as: text
    save: call.who
    confirm: never
    reprompts: [Again.]
    give_up: bye
  hello:
    say: Hello {{ call.who }}.
  bye:
    hangup: Bye.
"""
    call = Conversation(bundle_of(text), world())
    heard = call.say("{{ customer.pin }} </Say><Dial>+1</Dial> \x00\x07 " + "x" * 5000)
    assert "{{ customer.pin }} </Say><Dial>" in heard  # said literally; the carrier's writer escapes it
    assert "\x00" not in heard and len(heard) < 3100
    assert not isinstance(call.last, Dial)


def test_a_look_up_with_words_meanwhile_takes_two_turns() -> None:
    call = Conversation(
        CLINIC,
        world(Given(lookups={"order_by_number": (found(number="61594477", status="late", due="2026-11-25"),)})),
        flow="clinic",
    )
    call.press("1")
    assert call.press("61594477") == "One moment."
    assert isinstance(call.last, Continue)
    assert "is late, due tomorrow" in call.take(Continued(*call.event()))


def test_waiting_asks_nothing_of_a_queue_twice_in_a_turn_and_stays_short() -> None:
    asked: list[str] = []

    class Counting(type(world())):  # type: ignore[misc]
        def queue(self, name: str, needs: dict[str, int]) -> QueueNow:
            asked.append(name)
            return QueueNow(waiting=4, position=3, wait_minutes=2.5)

    rehearsal = world()
    rehearsal.__class__ = Counting
    call = Conversation(CLINIC, rehearsal, flow="clinic")
    asked.clear()
    call.press("3")
    assert asked == ["technical"]
    said = []
    for _ in range(40):
        rehearsal.tick(30)
        asked.clear()
        said.append(call.take(WaitAsked(*call.event(), position=3)))
        assert len(asked) <= 1
        assert isinstance(call.last, Listen)
    assert "number 3" in said[0] and not any("number" in text for text in said[1:])
    assert 3 <= sum("Thank you for waiting" in text for text in said) <= 12  # twenty minutes


def test_an_attested_repeat_caller_is_handed_over_with_all_that_is_known() -> None:
    given_ = Given(
        facts={
            "customer": found(id="c1", first_name="Ana", last_name="Ruiz", tier="gold", last_agent="chloe"),
            "caller": found(repeat=True),
        }
    )
    call = Conversation(CLINIC, world(given_), flow="clinic")
    call.press("0")
    wait = call.last
    assert isinstance(wait, Wait)
    assert (wait.queue, wait.needs, wait.head_start_seconds, wait.sticky_agent, wait.sticky_seconds) == (
        "general",
        {"english": 1},
        100.0,
        "chloe",
        20.0,
    )
    assert (
        wait.context["customer_name"] == "Ana Ruiz"
        and wait.context["repeat"] is True
        and wait.context["intents"] == ["speak_to_someone"]
    )
    json.dumps(wait.context)


def test_time_and_needs_of_a_callback_are_those_of_the_queue_before() -> None:
    call = Conversation(CLINIC, world(Given(queues={"technical": QueueNow(wait_minutes=9)})), flow="clinic")
    call.press("3")
    call.take(WaitAsked(*call.event()))
    assert "We can call you back" in call.heard
    call.press("1")
    heard = call.take(WaitEnded(*call.event(), result="callback"))
    assert "ring you on plus 4 4 7" in heard
    placed = next(action for action in call.turn.actions if type(action).__name__ == "PlaceCallback")
    assert (placed.queue, placed.number, placed.needs) == ("technical", "+447700900103", {"technical": 2, "english": 1})  # type: ignore[attr-defined]
    assert placed.rings == ((60.0, {"technical": 1}),)  # type: ignore[attr-defined]


def test_a_turn_without_speech_is_quick() -> None:
    """Far below a millisecond where nothing else runs; here only an order of magnitude is held."""
    import time

    call = Conversation(CLINIC, world(), flow="clinic")
    session = call.session
    best = min(_seconds_of(lambda: take_turn(CLINIC, session, Silent(*ID), call.world), time.perf_counter) for _ in range(20))
    assert timedelta(seconds=best) < timedelta(milliseconds=10)


def _seconds_of(what: Any, clock: Any) -> float:
    started = clock()
    what()
    return float(clock() - started)
