"""Why a call went where it went: from the decision log, with the policy's own functions, never from memory of the outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routing.decisions import Decision, Floor
from routing.policies import Opening, clock_name, exclusions, place, standing

_MOST_NAMED = 20  # agents listed one by one; the rest are counted by rule


@dataclass(frozen=True)
class Excluded:
    """An agent who could not take the call at that moment, with every rule against it, in words."""

    agent_id: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A free agent who could take the call. `rank` 1 was first; `because` is what the choice went by."""

    agent_id: str
    rank: int
    because: str


@dataclass(frozen=True)
class Moment:
    """The floor as it stood for one call at one moment.

    `opening`: the way by which agents were looked for; `open_ways` and `later_ways` in words; `ahead`: callers who went first there.
    """

    at: float
    waited_seconds: float
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    excluded_by_rule: dict[str, int]
    open_ways: tuple[str, ...]
    later_ways: tuple[str, ...]
    ahead: int


@dataclass(frozen=True)
class Step:
    """Something that happened to the call: entered, ring opened, offered, released, accepted, returned, left."""

    at: float
    what: str
    agent_id: str | None = None
    moment: Moment | None = None


@dataclass(frozen=True)
class Explanation:
    """A call's way through routing. `needed`: what would have been needed to answer within the target, best first; empty where it was."""

    call_id: str
    queue: str
    steps: tuple[Step, ...]
    answered_by: str | None
    waited_seconds: float | None
    target_seconds: float
    at_target: Moment | None
    needed: tuple[str, ...]


def explain(call_id: str, decisions: Iterable[Decision], floor: Floor | None = None) -> Explanation | None:
    """The call's way, or None where the log does not hold it (any more)."""
    floor = floor or Floor()
    steps: list[Step] = []
    queue, arrived_at, target, answered_by, waited = "", 0.0, 20.0, None, None
    at_target: Moment | None = None
    over = False
    for decision in decisions:
        if steps and at_target is None and not over and decision.at > arrived_at + target:
            at_target = _moment(floor, call_id, arrived_at + target)
        mine = decision.fields.get("call") == call_id
        if mine and decision.kind == "claimed":
            steps.append(Step(decision.at, "offered", decision.fields["agent"], _moment(floor, call_id, decision.at)))
        floor.apply(decision)
        if not mine:
            continue
        if decision.kind == "entered":
            state = floor.waiting.get(call_id)
            queue = decision.fields["queue"]
            if state is not None:
                arrived_at, target = state.call.arrived_at, floor.queues[queue].target.within_seconds
            at_target, over, answered_by, waited = None, False, None, None
            steps.append(Step(decision.at, "entered", None, _moment(floor, call_id, decision.at)))
        elif decision.kind == "opened":
            what = "starved: goes before every priority" if decision.fields["signature"] == "*" else "ring opened"
            steps.append(Step(decision.at, what, None, _moment(floor, call_id, decision.at)))
        elif decision.kind == "released":
            steps.append(
                Step(decision.at, f"offer ended: {decision.fields['result'].replace('_', ' ')}", decision.fields["agent"])
            )
        elif decision.kind == "accepted":
            steps.append(Step(decision.at, "accepted", decision.fields["agent"]))
            answered_by, waited, over = decision.fields["agent"], decision.at - arrived_at, True
        elif decision.kind == "returned":
            steps.append(Step(decision.at, "back in the old place"))
            answered_by, waited, over = None, None, False
        elif decision.kind == "left":
            steps.append(Step(decision.at, f"left: {decision.fields['result'].replace('_', ' ')}"))
            waited, over = decision.at - arrived_at, True
    if not steps:
        return None
    late = waited is None or waited > target or answered_by is None
    return Explanation(
        call_id,
        queue,
        tuple(steps),
        answered_by,
        waited,
        target,
        at_target if late else None,
        _needed(at_target, target) if late else (),
    )


def _moment(floor: Floor, call_id: str, at: float) -> Moment | None:
    state = floor.waiting.get(call_id)
    if state is None:
        return None
    waited = at - state.call.arrived_at
    opened, ways = state.opened, [way for _, way in state.ways]
    policy = floor.queues[state.call.queue].policy
    candidates: list[Candidate] = []
    named: set[str] = set()
    for opening in opened:
        free = [name for name in floor.candidates(opening) if name not in named and call_id not in floor.records[name].held]
        ranked = sorted(free, key=lambda name: (standing(policy, floor.agents[name], opening, floor.records[name].clocks), name))
        for name in ranked:
            named.add(name)
            candidates.append(
                Candidate(name, len(candidates) + 1, _because(floor, name, opening, policy.agent, clock_name(policy), at))
            )
    excluded = []
    counts: dict[str, int] = {}
    for name, agent in floor.agents.items():
        record = floor.records.get(name)
        if name in named or record is None:
            continue
        rules = exclusions(agent, record.state, agent.capacity - len(record.held), max(0.0, record.free_at - at), ways, waited)
        if not rules:
            rules = (
                ("held back for callers with a higher priority",)
                if any(way.keep for way in opened)
                else ("is being offered this call",)
            )
        for rule in rules:
            counts[rule] = counts.get(rule, 0) + 1
        excluded.append(Excluded(name, rules))
    excluded.sort(key=lambda one: (len(one.rules), one.agent_id))
    ahead = sum(
        1
        for other, waiting in floor.waiting.items()
        if other != call_id and waiting.call.queue == state.call.queue and _before(floor, other, call_id)
    )
    return Moment(
        at,
        waited,
        tuple(candidates),
        tuple(excluded[:_MOST_NAMED]),
        counts,
        tuple(_way(way) for way in opened),
        tuple(_way(way) for way in ways if way not in opened),
        ahead,
    )


def _before(floor: Floor, first: str, second: str) -> bool:
    one, other = floor.waiting[first], floor.waiting[second]
    queue = floor.queues[other.call.queue]
    return (place(one.call, queue, one.starved), first) < (place(other.call, queue, other.starved), second)


def _because(floor: Floor, name: str, opening: Opening, choice: str, clock: str, at: float) -> str:
    clocks = floor.records[name].clocks
    parts = [f"{opening.why}: {_way(opening)}", choice.replace("_", " ")]
    if opening.preferred or choice == "best_skill":
        skills = {**dict(opening.needs), **dict(opening.preferred)}
        parts.append("levels " + ", ".join(f"{skill} {floor.agents[name].skills.get(skill, 0)}" for skill in sorted(skills)))
    if clock == "occupied":
        parts.append(f"occupied {clocks.occupancy:.1%}")
    if clock == "offered":
        parts.append("never offered a call" if not clocks.last_offered else f"last offer {at - clocks.last_offered:.0f} s ago")
    parts.append(f"free for {max(0.0, at - clocks.idle_since):.0f} s")
    return "; ".join(parts)


def _way(opening: Opening) -> str:
    if opening.agent_id is not None:
        return f"only {opening.agent_id}"
    needs = ", ".join(f"{skill} at {level} or better" for skill, level in opening.needs) or "any agent"
    words = f"{needs} in queue {opening.queue} from {opening.after_seconds:.0f} s on"
    return f"{words}, {opening.keep} held back" if opening.keep else words


def _needed(moment: Moment | None, target: float) -> tuple[str, ...]:
    """What one change at the target's moment would have been enough, the smallest first."""
    if moment is None:
        return ()
    found = [f"{one.agent_id}: {one.rules[0]}" for one in moment.excluded if len(one.rules) == 1]
    if moment.ahead:
        found.append(f"{moment.ahead} caller{'s' if moment.ahead > 1 else ''} went before")
    found.extend(f"an earlier ring: {way}" for way in moment.later_ways)
    if moment.candidates:
        found.insert(
            0, f"{moment.candidates[0].agent_id} was free at {target:.0f} s and had been offered the call or was about to be"
        )
    if not found:
        found.append(f"one more agent with {moment.open_ways[0] if moment.open_ways else 'the needed skills'}")
    return tuple(found)


def in_words(explanation: Explanation) -> str:
    """The explanation for a terminal, one line per step."""
    lines = [f"{explanation.call_id} in queue {explanation.queue}"]
    start = explanation.steps[0].at
    for step in explanation.steps:
        lines.append(
            f"  {step.at - start:7.1f} s  {step.what}{f' to {step.agent_id}' if step.what == 'offered' else f' ({step.agent_id})' if step.agent_id else ''}"
        )
        if step.moment is None:
            continue
        if step.what == "offered":
            for candidate in step.moment.candidates[:5]:
                lines.append(f"               candidate {candidate.rank}: {candidate.agent_id}: {candidate.because}")
        for one in step.moment.excluded:
            lines.append(f"               not {one.agent_id}: {'; '.join(one.rules)}")
    if explanation.needed:
        lines.append(f"  to be answered within {explanation.target_seconds:.0f} s, one of these would have been enough:")
        lines.extend(f"    - {one}" for one in explanation.needed)
    return "\n".join(lines)
