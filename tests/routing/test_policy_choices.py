"""Each choice that supervisors have, on the live board; the policy functions on their own are checked beside it."""

from __future__ import annotations

import pytest
import redis
from floors import START, Hall, check_invariants

from routing.model import (
    Agent,
    AgentChoice,
    AgentState,
    CallerOrder,
    Delays,
    EnterResult,
    NotAllowed,
    OfferResult,
    Overflow,
    Policy,
    Queue,
    Reserve,
    Stale,
    Target,
    Unknown,
    WaitingCall,
)
from routing.policies import exclusions, openings, place, starves_after, urgency


def serve_all(floor: Hall, agent: str) -> list[str]:
    """The callers in the order in which one agent, free again at once each time, gets them."""
    order = []
    while pairs := floor.pairs():
        [(call, _)] = pairs
        order.append(call)
        floor.board.accept(str(floor.client.hget(floor.board.keys.of("slots", agent), call)))
        floor.board.talk_ended(agent, call, wrap_up=False)
    return order


def callers(client: redis.Redis, order: CallerOrder) -> Hall:
    policy = Policy("p", order)
    floor = Hall(client, [Agent("ana")], [Queue("general", policy=policy), Queue("other", policy=policy)])
    floor.board.set_state("ana", "break")
    return floor


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (CallerOrder.FIRST_COME, ["early", "middle", "vip"]),
        (CallerOrder.PRIORITY_WITH_AGEING, ["early", "vip", "middle"]),  # early waits 100 s, longer than the head start
        (CallerOrder.STRICT_PRIORITY, ["vip", "early", "middle"]),
    ],
)
def test_order_of_callers(redis_client: redis.Redis, order: CallerOrder, expected: list[str]) -> None:
    floor = callers(redis_client, order)
    floor.enter("early")
    floor.clock.pass_seconds(60)
    floor.enter("middle")
    floor.clock.pass_seconds(40)
    floor.enter("vip", head_start_seconds=60.0)
    assert [floor.board.position(call) for call in expected] == [1, 2, 3]
    floor.sign_in()
    assert serve_all(floor, "ana") == expected
    check_invariants(redis_client, floor.board, drained=True)


def test_strict_priority_has_a_starvation_limit() -> None:
    queue = Queue("q", policy=Policy("p", CallerOrder.STRICT_PRIORITY, starvation_seconds=120))
    low, high = WaitingCall("low", "q", START), WaitingCall("high", "q", START + 1000, head_start_seconds=9)
    assert starves_after(queue) == 120 and starves_after(Queue("q")) is None
    assert place(high, queue) < place(low, queue)
    assert place(low, queue, starved=True) < place(high, queue)
    assert urgency(low, queue, starved=True).at(START + 1100) > urgency(high, queue).at(START + 1100)


def test_service_objective_weighs_the_wait_against_the_target(redis_client: redis.Redis) -> None:
    policy = Policy("p", CallerOrder.SERVICE_OBJECTIVE)
    floor = Hall(
        redis_client,
        [Agent("ana")],
        [Queue("slow", policy=policy, target=Target(100)), Queue("fast", policy=policy, target=Target(20))],
    )
    floor.board.set_state("ana", "break")
    floor.enter("slow", "slow")
    floor.clock.pass_seconds(40)
    floor.enter("fast", "fast")
    floor.clock.pass_seconds(9)
    floor.sign_in()
    floor.board.set_state("ana", "break")
    floor.sign_in()
    assert floor.pairs() == [("slow", "ana")]  # 0.49 of its target against 0.45
    floor.board.leave("slow", "hung_up")
    floor.board.set_state("ana", "break")
    floor.enter("slow2", "slow", arrived_at=floor.clock.now - 49)
    floor.clock.pass_seconds(4)
    floor.sign_in()
    assert floor.pairs() == [("fast", "ana")]  # 13 of 20 against 53 of 100: the order turned while both waited


def test_fixed_ratio_keeps_queue_lengths_in_their_shares(redis_client: redis.Redis) -> None:
    policy = Policy("p", CallerOrder.FIXED_RATIO)
    floor = Hall(redis_client, [Agent("ana")], [Queue("a", policy=policy, share=3.0), Queue("b", policy=policy, share=1.0)])
    floor.board.set_state("ana", "break")
    for number in range(12):
        floor.enter(f"a{number}", "a")
        floor.enter(f"b{number}", "b")
    floor.sign_in()
    lengths = []
    for _ in range(16):
        [(call, _)] = floor.pairs()
        floor.board.accept(str(redis_client.hget(floor.board.keys.of("slots", "ana"), call)))
        floor.board.talk_ended("ana", call, wrap_up=False)
        now = {queue.queue_id: queue.waiting for queue in floor.board.snapshot().queues}
        lengths.append((now["a"], now["b"]))
    assert lengths[-1] == (6, 2) and all(abs(a - 3 * b) <= 3 for a, b in lengths[8:]), lengths
    check_invariants(redis_client, floor.board, drained=False)


def agents_in_turn(client: redis.Redis, choice: AgentChoice, agents: list[Agent], calls: int, **call: object) -> list[str]:
    floor = Hall(client, agents, [Queue("general", policy=Policy("p", agent=choice), wrap_up_seconds=0)])
    for agent in agents:
        floor.sign_in(agent.agent_id)
        floor.clock.pass_seconds(1)
    chosen = []
    for number in range(calls):
        floor.enter(f"c{number}", **call)
        [(name, agent_id)] = floor.pairs()
        chosen.append(agent_id)
        floor.board.accept(str(client.hget(floor.board.keys.of("slots", agent_id), name)))
        floor.clock.pass_seconds(10 + 20 * (agent_id == "ben"))
        floor.board.talk_ended(agent_id, name)
        floor.board.match()
    check_invariants(client, floor.board, drained=True)
    return chosen


ANA = Agent("ana", skills={"tech": 1, "english": 3, "billing": 2})
BEN = Agent("ben", skills={"tech": 3})
CLEO = Agent("cleo", skills={"tech": 2, "english": 1})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (AgentChoice.LONGEST_IDLE, ["ana", "ben", "cleo", "ana"]),
        (AgentChoice.BEST_SKILL, ["ben", "ben", "ben", "ben"]),
        (AgentChoice.LEAST_FLEXIBLE, ["ben", "ben", "ben", "ben"]),
        (AgentChoice.ROUND_ROBIN, ["ana", "ben", "cleo", "ana"]),
        # the score is taken when an agent becomes free: nobody was busy at first, then ben was for 30 s
        (AgentChoice.LEAST_OCCUPIED, ["ana", "ben", "cleo", "cleo"]),
    ],
)
def test_choice_of_agent(redis_client: redis.Redis, choice: AgentChoice, expected: list[str]) -> None:
    assert agents_in_turn(redis_client, choice, [ANA, BEN, CLEO], 4, needs={"tech": 1}) == expected


def test_preferred_skills_go_before_the_choice(redis_client: redis.Redis) -> None:
    assert agents_in_turn(
        redis_client, AgentChoice.LONGEST_IDLE, [BEN, CLEO, ANA], 2, needs={"tech": 1}, preferred={"english": 2}
    ) == ["ana", "ana"]


def test_rings_open_on_time_and_the_place_is_kept(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in("ana")
    floor.board.set_state("ben", "break")
    floor.enter("hard", needs={"tech": 3}, rings=((20.0, {"tech": 2}), (40.0, {"tech": 1})))
    floor.clock.pass_seconds(5)
    assert not floor.pairs()
    for _ in range(34):
        floor.clock.pass_seconds(1)
        floor.board.sweep()
        assert not floor.pairs() and floor.board.position("hard") == 1
    floor.clock.pass_seconds(1)
    assert floor.board.sweep().opened == 1
    assert floor.pairs() == [("hard", "ana")]


def test_overflow_to_another_queues_agents(redis_client: redis.Redis) -> None:
    queues = [Queue("tech", needs={"tech": 1}, overflow=(Overflow(120, ("general",)),)), Queue("general")]
    floor = Hall(redis_client, [Agent("gus", queues=("general",)), Agent("tia", skills={"tech": 1}, queues=("tech",))], queues)
    floor.sign_in("gus")
    floor.board.set_state("tia", "break")
    floor.enter("c1", "tech")
    floor.clock.pass_seconds(119)
    floor.board.sweep()
    assert not floor.pairs()
    floor.clock.pass_seconds(1)
    floor.board.sweep()
    assert floor.pairs() == [("c1", "gus")]


def test_sticky_agent_for_a_bounded_time_and_only_while_signed_in(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in("ana")
    floor.board.set_state("ben", "break")
    floor.enter("c1", sticky_agent="ben", sticky_seconds=20.0)
    assert not floor.pairs()
    floor.clock.pass_seconds(20)
    floor.board.sweep()
    assert floor.pairs() == [("c1", "ana")]
    floor.sign_in("ben")
    floor.enter("c2", sticky_agent="ben", sticky_seconds=20.0)
    assert floor.pairs() == [("c2", "ben")]
    floor.board.set_state("ben", "offline")
    floor.board.leave("c1", "left")
    floor.enter("c3", sticky_agent="ben", sticky_seconds=20.0)  # signed out: not waited for
    assert floor.pairs() == [("c3", "ana")]


def test_reserve_holds_the_last_agents_back_for_a_class(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general", reserve=Reserve(1, 30.0))])
    floor.sign_in()
    floor.enter("c1")
    floor.enter("c2")
    assert len(floor.pairs()) == 1
    floor.enter("vip", head_start_seconds=30.0)
    assert [call for call, _ in floor.pairs()] == ["vip"]
    check_invariants(redis_client, floor.board, drained=True)


def test_capacity_of_an_agent_and_of_a_queue(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [Agent("chat", capacity=2)], [Queue("general", capacity=3)])
    floor.sign_in()
    results = [floor.enter(f"c{number}").result for number in range(5)]  # type: ignore[attr-defined]
    assert results == [EnterResult.ACCEPTED] * 3 + [EnterResult.FULL] * 2
    assert len(floor.pairs()) == 2 and set(floor.board.agent("chat").calls) == {"c0", "c1"}
    check_invariants(redis_client, floor.board, drained=True)


def test_offers_that_fail_cost_their_own_delay(redis_client: redis.Redis) -> None:
    delays = Delays(no_answer=5, rejected=10, busy=20, unreachable=60, failed=7)
    for result, seconds in (("no_answer", 5), ("rejected", 10), ("busy", 20), ("failed", 7), ("lost", 0), ("caller_left", 0)):
        floor = Hall(redis_client, [ANA], [Queue("general", delays=delays, missed_after=0)])
        floor.sign_in()
        floor.enter("c1")
        [offer] = floor.board.match()
        released = floor.board.release(offer.token, result)
        assert released and released.call_waits and released.result == OfferResult(result)
        floor.clock.pass_seconds(max(0.0, seconds - 0.5))
        floor.board.sweep()
        assert len(floor.pairs()) == (0 if seconds else 1), result
        floor.clock.pass_seconds(0.5)
        floor.board.sweep()
        assert len(floor.pairs()) == (1 if seconds else 0), result


def test_unreachable_is_told_and_brought_back_in_one_action(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA], [Queue("general")])
    floor.sign_in()
    floor.board.heartbeat("ana")
    floor.clock.pass_seconds(29)
    floor.board.heartbeat("ana")
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.ringing(offer.token, "leg")
    floor.clock.pass_seconds(31)
    swept = floor.board.sweep()
    assert swept.unreachable == ("ana",) or floor.state("ana") is AgentState.UNREACHABLE
    assert floor.state("ana") is AgentState.UNREACHABLE and floor.board.position("c1") == 1
    assert not floor.pairs()
    floor.board.set_state("ana", "available")
    assert floor.pairs() == [("c1", "ana")]


def test_who_vanishes_wraps_up_nothing_and_is_back_as_before(redis_client: redis.Redis) -> None:
    """The browser goes silent in the wrap-up, during a talk, on a break; the phone breaks off."""
    floor = Hall(redis_client, [ANA, BEN], [Queue("general", wrap_up_seconds=60)])
    floor.sign_in("ana")
    floor.board.set_state("ben", "break")
    floor.board.heartbeat("ana")
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.ringing(offer.token, "leg")
    floor.board.accept(offer.token)
    floor.clock.pass_seconds(10)
    floor.board.heartbeat("ana")
    floor.board.talk_ended("ana", "c1")
    floor.clock.pass_seconds(4)
    floor.board.heartbeat("ana")  # the last sign of life: four seconds into the wrap-up
    floor.clock.pass_seconds(31)
    [wrapped] = floor.board.sweep().wrapped_up
    assert (wrapped.call_id, wrapped.leg_id, wrapped.seconds, wrapped.capped) == ("c1", "leg", 4.0, False)
    assert (floor.state("ana"), floor.board.agent("ana").calls) == (AgentState.UNREACHABLE, ())
    floor.enter("c2")
    assert not floor.pairs()
    assert floor.board.heartbeat("ana").state is AgentState.AVAILABLE
    [offer] = floor.board.match()
    floor.board.accept(offer.token)
    floor.clock.pass_seconds(31)
    floor.board.sweep()
    assert floor.board.agent("ana").next_state is AgentState.UNREACHABLE  # silent, but still on the phone
    ended = floor.board.talk_ended("ana", "c2")
    assert ended and ended.ends_at == ended.started_at
    assert floor.state("ana") is AgentState.UNREACHABLE
    floor.board.heartbeat("ana")
    floor.board.set_state("ana", "break", reason="lunch")
    floor.board.vanished("ana", "the phone broke off")
    assert floor.state("ana") is AgentState.UNREACHABLE
    back = floor.board.heartbeat("ana")
    assert (back.state, back.reason) == (AgentState.BREAK, "lunch")
    floor.board.vanished("ana", "the phone broke off")
    floor.board.set_state("ana", "offline")  # said by a person: no heartbeat signs in again
    assert floor.board.heartbeat("ana").state is AgentState.OFFLINE
    floor.sign_in("ben")
    floor.enter("c3")
    [offer] = floor.board.match()
    floor.board.release(offer.token, "unreachable")  # no heartbeat of a browser says that the phone can be reached
    assert floor.board.heartbeat("ben").state is AgentState.UNREACHABLE
    check_invariants(redis_client, floor.board, drained=True)


def test_state_changes_that_are_not_allowed_say_which_are(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA], [Queue("general")])
    with pytest.raises(NotAllowed) as refused:
        floor.board.set_state("ana", "talking")
    assert refused.value.allowed == ("available", "break") and "Allowed now: available, break." in str(refused.value)
    with pytest.raises(Unknown, match="'nobody' is not configured"):
        floor.board.set_state("nobody", "available")
    before = floor.board.agent("ana")
    floor.board.set_state("ana", "available", epoch=before.epoch)
    with pytest.raises(Stale) as stale:
        floor.board.set_state("ana", "break", epoch=before.epoch)
    assert stale.value.current.state is AgentState.AVAILABLE


def test_going_away_while_ringing_withdraws_the_offer(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in("ana")
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.ringing(offer.token, "leg7")
    now = floor.board.set_state("ana", "break", reason="lunch")
    assert now.state is AgentState.BREAK and now.reason == "lunch" and [one.leg_id for one in now.withdrawn] == ["leg7"]
    floor.sign_in("ben")
    assert floor.pairs() == [("c1", "ben")]


def test_a_break_asked_for_while_talking_begins_after_wrap_up(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA], [Queue("general", wrap_up_seconds=10, wrap_up_cap_seconds=60)])
    floor.sign_in()
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.accept(offer.token)
    now = floor.board.set_state("ana", "break")
    assert (now.state, now.next_state) == (AgentState.TALKING, AgentState.BREAK)
    floor.board.talk_ended("ana", "c1")
    assert floor.board.extend_wrap_up("ana") == floor.clock.now + 60
    floor.clock.pass_seconds(59)
    assert not floor.board.sweep().wrapped_up
    assert floor.board.wrap_up_done("ana", epoch=offer.epoch - 1) is None  # another conversation's
    done = floor.board.wrap_up_done("ana", epoch=offer.epoch, disposition="refund", resolved=True)
    assert done and done.seconds == 59 and not done.capped and done.resolved
    assert floor.state("ana") is AgentState.BREAK


def test_needs_that_nobody_meets_and_nobody_signed_in(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA], [Queue("general")])
    assert floor.enter("c1", needs={"latin": 1}).result is EnterResult.IMPOSSIBLE  # type: ignore[attr-defined]
    assert floor.enter("c2", needs={"tech": 1}).result is EnterResult.NOBODY  # type: ignore[attr-defined]
    with pytest.raises(Unknown):
        floor.enter("c3", "elsewhere")
    for odd in ("", "a\x1fb", "x" * 129):
        with pytest.raises(ValueError, match="1 to 128 printable characters"):
            floor.enter(odd)


def test_longest_wait_and_silent_callers_are_reported_until_taken_out(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA], [Queue("general")])
    floor.board.set_state("ana", "break")
    floor.enter("c1", longest_wait_seconds=100.0)
    floor.clock.pass_seconds(100)
    assert floor.board.sweep().overdue == ("c1",) and floor.board.sweep().overdue == ()
    floor.clock.pass_seconds(10)
    assert floor.other.sweep().overdue == ("c1",)
    floor.clock.pass_seconds(10)
    assert floor.board.sweep().silent == ("c1",)
    assert floor.board.alive("c1")
    floor.clock.pass_seconds(30)
    assert floor.board.sweep().silent == ()
    left = floor.board.leave("c1", "no_answer")
    assert left and left.waited_seconds == 150 and not floor.board.alive("c1")
    floor.clock.pass_seconds(30)
    assert not floor.board.sweep().overdue


def test_after_redis_was_lost_callers_are_back_in_their_places(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.board.set_state("ana", "break")
    calls = [WaitingCall(f"c{number}", "general", START - 10 * number, head_start_seconds=3.0 * number) for number in range(6)]
    redis_client.flushall()
    floor.board.configure(floor.agents, floor.queues)
    assert floor.board.rebuild(calls, available=["ben"]) == 6
    assert [one.call_id for one in floor.board.snapshot().waiting] == [f"c{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert floor.pairs() == [("c5", "ben")]
    assert floor.board.rebuild(calls[:3], available=["ben"]) >= 0 and floor.board.position("c5") is None
    check_invariants(redis_client, floor.board, drained=False)


def test_configuring_again_keeps_live_state_and_follows_changes(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in()
    floor.board.configure(floor.agents, floor.queues)
    assert floor.state("ana") is AgentState.AVAILABLE
    learned = Agent("ben", skills={"latin": 2})
    floor.board.configure([ANA, learned], floor.queues)
    floor.enter("c2", needs={"latin": 1})
    assert floor.pairs() == [("c2", "ben")]
    floor.board.configure([ANA], floor.queues)
    assert floor.state("ben") is AgentState.RESERVED  # signed out and forgotten when the call is over
    floor.board.leave("c2", "hung_up")
    floor.board.configure([ANA], floor.queues)
    with pytest.raises(Unknown):
        floor.board.agent("ben")
    check_invariants(redis_client, floor.board, drained=False)


def test_signatures_nobody_uses_are_forgotten_and_made_again(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in()
    for number in range(8):
        floor.enter(f"c{number}", needs={"tech": 1}, preferred={f"s{number}": 1})
        floor.board.leave(f"c{number}", "left")
    assert len(floor.board.signatures.known()) == 8
    floor.board.sweep()
    floor.clock.pass_seconds(87_000)
    floor.board.sweep()
    assert not floor.board.signatures.known()
    floor.enter("c9", needs={"tech": 1})
    assert len(floor.pairs()) == 1
    check_invariants(redis_client, floor.board, drained=True)


def test_a_clock_that_goes_ahead_makes_nobody_wait_for_it(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [ANA, BEN], [Queue("general")])
    floor.sign_in("ana")
    floor.enter("skewed", arrived_at=floor.clock.now + 300, rings=((10.0, {}),), needs={"english": 3})
    floor.clock.pass_seconds(1)
    floor.enter("later")
    assert floor.board.position("skewed") == 1
    assert floor.pairs() == [("skewed", "ana")]
    assert [one.waited_seconds for one in floor.board.snapshot().waiting] == [1.0, 0.0]
    check_invariants(redis_client, floor.board, drained=True)


def test_exclusions_name_every_rule() -> None:
    ways = openings(WaitingCall("c", "tech", 0.0, needs={"tech": 3}, rings=((20.0, {"tech": 1}),)), {"tech": Queue("tech")})
    assert exclusions(BEN, AgentState.AVAILABLE, 1, 0.0, ways, 5.0) == ()
    assert exclusions(CLEO, AgentState.AVAILABLE, 1, 0.0, ways, 5.0) == ("may take it through ring from 20 s on",)
    assert exclusions(CLEO, AgentState.AVAILABLE, 1, 0.0, ways, 20.0) == ()
    assert exclusions(Agent("x"), AgentState.WRAP_UP, 0, 0.0, ways, 5.0) == ("is wrap up", "lacks tech")
    assert exclusions(BEN, AgentState.AVAILABLE, 1, 7.0, ways, 5.0) == ("no offers for another 7 s after a failed one",)
    assert exclusions(Agent("x", queues=("other",)), AgentState.BREAK, 1, 0.0, ways, 0.0) == (
        "is break",
        "does not serve queue tech",
    )
