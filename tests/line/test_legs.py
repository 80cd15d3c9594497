"""One phone, one leg: whatever is late, lost or done twice, an agent's phone does not ring while an older leg is still up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from ivr import keys
from ivr.carriers.local import Trouble
from ivr.carriers.local.line import Kind
from ivr.embedded import start_redis
from ivr.jobs import periodic
from ivr.jobs.commands import Commands
from ivr.jobs.legs import Legs
from ivr.jobs.outbox import Command
from ivr.sessions import connect
from routing.model import WaitingCall
from tests.line.running import Running, running, stranger
from webhooks.turns import TOLD_WITHIN_SECONDS

LINE = "+442079460000"
PATIENT = {"client:*": {"answers_after": "0s", "talks": "60s"}}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    """A service without a clock: every carrier command is carried out when the test says so."""
    server = start_redis(tmp_path_factory.mktemp("legs-redis"), keep=False)
    with running(tmp_path_factory.mktemp("legs"), server.url, models, people=PATIENT, ticking=False, speed=20) as found:
        yield found
    server.stop()


def carry_out(service: Running, *kinds: str, within_seconds: float = 10.0) -> None:
    """Carry out the commands of these kinds, in this order, and drop all others that come up: a clock that died had them."""
    commands, wanted = Commands(service.line, service.line.links), list(kinds)
    deadline = time.monotonic() + within_seconds
    while wanted:
        command = taken(service, deadline, wanted[0])
        if command.kind == wanted[0]:
            commands.carry_out(command)
            wanted.pop(0)


def taken(service: Running, deadline: float, wanted: str) -> Command:
    """The next command that comes up."""
    outbox = service.line.outbox_over(connect(service.settings.redis_url or "", seconds=5.0))
    while (found := outbox.take(1)) is None:
        assert time.monotonic() < deadline, f"no command {wanted}"
    command, text = found
    outbox.done(text)
    return command


def waiting(service: Running) -> str:
    """A caller who chose to speak to somebody."""
    sid = service.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert service.until(lambda: service.carrier.press(sid, "0"))
    assert service.until(lambda: "Queued" in service.journal(sid))
    assert service.until(lambda: bool(service.carrier.truth(sid).of(Kind.QUEUED)))  # at the carrier, too
    return sid


def accepted(service: Running) -> str:
    """A caller whose call chloe took by key; the caller is not brought to her yet."""
    sid = waiting(service)
    carry_out(service, "ring_agent")
    assert service.until(lambda: bool(service.line.calls.talk(sid).get("token")), 15)
    return sid


def test_only_one_process_dials_a_phone(redis_client: redis.Redis) -> None:
    legs = Legs(redis_client)
    with legs.dialling("ana") as first, legs.dialling("ana", wait_seconds=0.0) as second, legs.dialling("ben") as other:
        assert (first, second, other) == (True, False, True)
    with legs.dialling("ana", wait_seconds=0.0) as again:
        assert again


def test_legs_are_up_until_the_carrier_says_that_they_are_over(redis_client: redis.Redis) -> None:
    legs = Legs(redis_client)
    legs.began("ana", "CA1", "t1")
    legs.began("ana", "CA2", "t2")
    legs.over("ana", "CA1")
    legs.over("ana", "CA1")
    assert legs.up("ana") == {"CA2": "t2"}
    assert legs.up("ben") == {}


def test_a_leg_left_over_ends_before_the_phone_rings_again(by_hand: Running) -> None:
    by_hand.sign_in("chloe")
    first = accepted(by_hand)
    leg = by_hand.line.calls.talk(first)["agent_leg"]
    by_hand.carrier.hang_up(first)  # the command that tells her so is lost with its clock
    assert by_hand.until(lambda: by_hand.line.board.agent("chloe").state == "wrap_up")
    second = waiting(by_hand)
    assert by_hand.line.board.wrap_up_done("chloe") is not None
    by_hand.line.switchboard.offer()
    assert by_hand.carrier.truth(leg).ended_at is None
    carry_out(by_hand, "ring_agent")
    assert by_hand.until(lambda: bool(by_hand.line.calls.talk(second).get("token")), 15)
    newer = by_hand.line.calls.talk(second)["agent_leg"]
    ended = by_hand.carrier.truth(leg).ended_at
    assert ended is not None
    assert ended <= by_hand.carrier.truth(newer).created_at
    by_hand.carrier.hang_up(second)
    by_hand.carrier.hang_up(newer)


def test_ending_the_wrap_up_by_api_ends_the_leg_that_still_hears_the_question(by_hand: Running) -> None:
    by_hand.sign_in("chloe")
    sid = accepted(by_hand)
    leg = by_hand.line.calls.talk(sid)["agent_leg"]
    by_hand.carrier.hang_up(sid)
    assert by_hand.until(lambda: by_hand.line.board.agent("chloe").state == "wrap_up")
    assert by_hand.line.switchboard.wrap_up_done("chloe", None, True)
    carry_out(by_hand, "end_agent_leg")
    assert by_hand.until(lambda: by_hand.carrier.truth(leg).ended_at is not None)
    assert by_hand.until(lambda: by_hand.line.legs.up("chloe") == {})


def test_a_wrap_up_that_runs_out_ends_the_leg_too(by_hand: Running) -> None:
    by_hand.sign_in("chloe")
    sid = accepted(by_hand)
    leg = by_hand.line.calls.talk(sid)["agent_leg"]
    by_hand.carrier.hang_up(sid)
    assert by_hand.until(lambda: by_hand.line.board.agent("chloe").state == "wrap_up")
    by_hand.line.redis.zadd(by_hand.line.board.keys.of("wrapping"), {f"chloe|{sid}": time.time() - 1})
    periodic.sweep(by_hand.line)
    carry_out(by_hand, "end_agent_leg")
    assert by_hand.until(lambda: by_hand.carrier.truth(leg).ended_at is not None)


def test_a_leg_whose_offer_is_over_is_ended_when_the_carrier_tells_of_it(by_hand: Running) -> None:
    """A clock that died while the carrier dialled never learned of the leg."""
    by_hand.sign_in("chloe")
    by_hand.carrier.behave("client:chloe", "no answer")
    sid = waiting(by_hand)
    deadline = time.monotonic() + 10
    while (command := taken(by_hand, deadline, "ring_agent")).kind != "ring_agent":
        pass
    token = command.arguments["token"]
    by_hand.line.switchboard.released(by_hand.line.board.release(token, "failed"))
    leg = by_hand.line.carrier.place(
        to="client:chloe", from_=by_hand.line.caller_id, ring_seconds=20,
        url=by_hand.line.links.sealed("/voice/agent/offer", token, token=token),
        status_url=by_hand.line.links.sealed("/voice/agent/status", token, token=token, call=sid),
    )  # fmt: skip
    carry_out(by_hand, "end_agent_leg")
    assert by_hand.until(lambda: by_hand.carrier.truth(leg).ended_at is not None)
    by_hand.carrier.hang_up(sid)


@pytest.mark.parametrize("whose", ["agent", "caller"])
def test_a_talk_whose_end_is_found_out_late_is_as_long_as_it_was(by_hand: Running, whose: str) -> None:
    """Every word of the end was lost: the carrier is asked later, and its time counts. It has seconds only: no talk ends before it began."""
    line = by_hand.line
    for call_id, ends_after in ((f"CA{whose}1", 9.0), (f"CA{whose}2", -0.4)):
        by_hand.sign_in()
        line.board.set_state("elena", "available")
        assert line.board.enter(WaitingCall(call_id, "general", line.board.now())).accepted
        (offer,) = line.board.match()
        assert line.board.ringing(offer.token, "CAleg")
        line.switchboard.accepted(offer, f"CAleg{call_id}")
        assert line.switchboard.caller_joins(call_id, offer.token)
        joined = datetime.fromtimestamp(float(line.calls.talk(call_id)["joined"]), UTC) - timedelta(seconds=60)
        line.calls.set_talk(call_id, joined=str(joined.timestamp()))
        ended = joined + timedelta(seconds=ends_after)
        if whose == "agent":
            line.switchboard.agent_leg_over(call_id, offer.token, "CAleg", "completed", ended)
        else:
            line.switchboard.caller_gone(call_id, ended)
        times = {note.kind: note.at for note in line.calls.journal(call_id)}
        assert times["LegEnded"] == max(ended, joined)


@pytest.fixture
def untold(by_hand: Running) -> Iterator[Running]:
    """The service, which the carrier does not tell of any end."""
    by_hand.sign_in("chloe")
    by_hand.carrier.make_trouble(Trouble(callback_drop=1.0))
    yield by_hand
    by_hand.carrier.make_trouble(Trouble())


def later(service: Running, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The clock that callers' sessions go by is ahead by so much from now on."""
    monkeypatch.setattr(service.line.calls, "_clock", lambda: time.time() + seconds)


def is_over(service: Running, sid: str) -> bool:
    return service.journal(sid).count("Ended") == 1 and service.line.board.position(sid) is None


def test_a_waiting_caller_whose_end_is_not_told_is_gone_within_four_seconds(
    untold: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue's own result says by the way that the caller hung up. Nobody is rung for nobody."""
    untold.line.board.set_state("chloe", "break")
    sid = waiting(untold)
    untold.carrier.hang_up(sid)
    assert untold.until(lambda: untold.line.redis.zscore(keys.RECALL, sid) is not None)
    periodic.fetch_callers(untold.line)
    assert not is_over(untold, sid)  # it may still be told
    later(untold, monkeypatch, TOLD_WITHIN_SECONDS)
    periodic.fetch_callers(untold.line)  # every second
    assert is_over(untold, sid)
    [ended] = [note for note in untold.line.calls.journal(sid) if note.kind == "Ended"]
    truth = untold.carrier.truth(sid).ended_at
    assert ended.data["inferred"] and truth is not None and abs((ended.at - truth).total_seconds()) <= 1


def test_an_agent_held_for_a_caller_who_is_gone_is_free_at_the_next_look(untold: Running) -> None:
    """The agent is in the room, the command that brings the caller there died with its clock, and nothing told of the caller's end."""
    sid = accepted(untold)
    untold.carrier.hang_up(sid)
    assert untold.until(lambda: untold.line.redis.zscore(keys.RECALL, sid) is not None)
    untold.line.calls.is_back(sid)  # not even the queue's result came
    assert untold.line.board.agent("chloe").state == "talking"
    periodic.find_lost_ends(untold.line)  # every ten seconds, with one request
    assert untold.line.board.agent("chloe").state == "wrap_up" and is_over(untold, sid)


def test_an_agent_s_leg_whose_end_is_not_told_holds_the_agent_no_longer_than_to_the_next_look(untold: Running) -> None:
    sid = accepted(untold)
    talk = untold.line.calls.talk(sid)
    untold.carrier.hang_up(talk["agent_leg"])
    assert untold.until(lambda: untold.line.board.agent("chloe").state == "wrap_up")  # the room's own result says so at once
    untold.line.switchboard.wrap_up_done("chloe", None, None)
    untold.carrier.hang_up(sid)
    periodic.find_lost_ends(untold.line)
    assert untold.until(lambda: is_over(untold, sid))
    # And where that was lost, too: the board says that she talks, the carrier that her leg is over.
    lost = f"CA{uuid4().hex}"
    untold.line.board.enter(WaitingCall(lost, "general", time.time()))
    [offer] = [one for one in untold.line.board.match() if one.call_id == lost]
    untold.line.board.accept(offer.token)
    untold.line.calls.set_talk(
        lost, token=offer.token, agent="chloe", agent_leg=talk["agent_leg"], waiting_id=lost, queue="general"
    )
    assert untold.line.board.agent("chloe").state == "talking"
    periodic.find_lost_ends(untold.line)
    assert untold.line.board.agent("chloe").state == "wrap_up"


def test_one_request_for_all_calls_that_are_up(by_hand: Running) -> None:
    """Nothing is asked about calls that the carrier lists."""
    by_hand.sign_in("chloe")
    by_hand.line.board.set_state("chloe", "break")
    sids = [waiting(by_hand) for _ in range(2)]
    before = {sid: by_hand.line.redis.zscore(keys.OPEN, sid) for sid in sids}
    assert set(sids) <= (by_hand.line.carrier.live() or set())
    periodic.find_lost_ends(by_hand.line)
    assert all(by_hand.line.redis.zscore(keys.OPEN, sid) > before[sid] for sid in sids)
    for sid in sids:
        by_hand.carrier.hang_up(sid)
        assert by_hand.until(lambda sid=sid: is_over(by_hand, sid))
    assert not set(sids) & (by_hand.line.carrier.live() or set())
