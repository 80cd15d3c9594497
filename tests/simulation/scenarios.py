"""Small scenarios for tests, and random ones for Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from routing.model import Agent, AgentChoice, CallerOrder, Overflow, Policy, Queue, Reserve
from routing.simulation_scenario import CallType, Crew, Exponential, LogNormal, Rate, Scenario, Shift

FOREVER = (Shift(0.0, 1e9),)
UNLIMITED = 10**9
SKILLS = ("english", "spanish", "billing")


def one_skill(
    agents: int, load_erlangs: float, handling_seconds: float, patience_seconds: float | None = None, hours: float = 30
) -> Scenario:
    """One queue, Poisson arrivals, exponential everything."""
    calls = CallType(
        "calls",
        "line",
        (Rate(0, hours * 3600, load_erlangs / handling_seconds * 3600),),
        Exponential(handling_seconds),
        Exponential(patience_seconds) if patience_seconds else None,
    )
    crew = Crew(Agent("agent"), agents, FOREVER)
    queues = {"line": Queue("line", capacity=UNLIMITED)}
    return Scenario("one skill", 0, hours * 3600, (calls,), (crew,), queues, warm_up_seconds=min(hours / 3, 3) * 3600)


levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 3), max_size=2)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any order and choice, with a starvation limit that is reached."""
    return Policy(
        "any", draw(st.sampled_from(CallerOrder)), draw(st.sampled_from(AgentChoice)), draw(st.sampled_from((40.0, 300.0)))
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """An hour with up to three queues, three kinds of call, three crews: too many calls or too few, shifts within the hour."""
    names = ["first", "second", "third"][: draw(st.integers(1, 3))]
    queues = {}
    for name in names:
        others = tuple(other for other in names if other != name)
        queues[name] = Queue(
            name,
            policy=draw(policies()),
            needs=draw(st.sampled_from(({}, {}, {"english": 1}))),
            capacity=draw(st.sampled_from((3, UNLIMITED))),
            overflow=(Overflow(draw(st.sampled_from((15.0, 60.0))), others),) if others and draw(st.booleans()) else (),
            reserve=Reserve(1, 5.0) if draw(st.integers(0, 3)) == 0 else None,
            weight=draw(st.sampled_from((1.0, 3.0))),
            share=draw(st.sampled_from((1.0, 2.0))),
        )
    calls = tuple(
        CallType(
            f"kind{number}",
            draw(st.sampled_from(names)),
            (Rate(0, 3600, draw(st.sampled_from((20.0, 60.0, 120.0)))),),
            draw(st.sampled_from((Exponential(120), LogNormal(90, 60)))),
            draw(st.sampled_from((None, Exponential(60), Exponential(200)))),
            needs=draw(levels),
            preferred=draw(st.sampled_from(({}, {"billing": 2}))),
            rings=tuple((after, draw(levels)) for after in draw(st.sampled_from(((), (20.0,), (20.0, 45.0))))),
            head_start_seconds=draw(st.sampled_from((0.0, 10.0, 60.0))),
            longest_wait_seconds=draw(st.sampled_from((float("inf"), 100.0))),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    crews = tuple(
        Crew(
            Agent(f"crew{number}", skills=draw(levels), queues=draw(st.sampled_from(((), tuple(names[:1]))))),
            draw(st.integers(1, 3)),
            (draw(st.sampled_from((Shift(0, 4000), Shift(600, 2400)))),),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    lines = draw(st.sampled_from((None, None, 6)))
    return Scenario("any", 0, 3600, calls, crews, queues, lines=lines, seed=draw(st.integers(0, 1000)))
