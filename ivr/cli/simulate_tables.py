"""How `ivr simulate` and `ivr staff` show their answers: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table

from routing.simulation_figures import METRICS, Difference, Figure, Scope, clock_time
from routing.simulation_scenario import Scenario
from routing.staffing import Plan

Figures = Mapping[Scope, Mapping[str, Figure]]
Context = Mapping[str, object]

CALLER_COLUMNS = {
    "calls": "calls",
    "service_level": "in time",
    "mean_wait_seconds": "mean wait",
    "mean_answer_seconds": "until answer",
    "wait_p50_seconds": "50 %",
    "wait_p80_seconds": "80 %",
    "wait_p95_seconds": "95 %",
    "abandoned": "hung up",
    "sent_on": "sent on",
    "turned_away": "turned away",
}
CREW_COLUMNS = {
    "calls_per_agent": "calls each",
    "occupancy": "occupancy",
    "occupancy_spread": "spread",
    "idle_mean_seconds": "idle spell",
    "idle_variation": "unevenness",
}
_ALWAYS = frozenset({"calls", "service_level", "mean_wait_seconds", "wait_p95_seconds", "abandoned"})


def one(scenario: Scenario, figures: Figures, context: Context, half_hours: bool, as_json: bool) -> None:
    """One scenario's figures."""
    if as_json:
        _json({"title": scenario.title, **context, "figures": _plain(figures)})
        return
    console = _console()
    console.print(scenario.title, style="bold")
    _print_tables(console, figures, _scopes(figures, half_hours))
    _print_foot(console, context)


def two(
    scenario: Scenario,
    other: Scenario,
    figures: Figures,
    other_figures: Figures,
    differences: Mapping[Scope, Mapping[str, Difference]],
    context: Context,
    half_hours: bool,
    as_json: bool,
) -> None:
    """Two scenarios side by side, with the differences' intervals."""
    other_title = other.title if other.title != scenario.title else f"{other.title}, changed"
    if as_json:
        _json(
            {
                "title": scenario.title,
                "other_title": other_title,
                **context,
                "figures": _plain(figures),
                "other_figures": _plain(other_figures),
                "differences": [
                    {
                        **_scope(scope),
                        "figures": {name: _figure(one.figure) | {"verdict": one.verdict} for name, one in named.items()},
                    }
                    for scope, named in differences.items()
                ],
            }
        )
        return
    console = _console()
    console.print(f"A  {scenario.title}\nB  {other_title}", style="bold")
    shown = [scope for scope in _scopes(differences, half_hours) if scope.kind != "crew"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "figure", "A", "B", "B less A", "95 % interval", ""):
        table.add_column(heading, justify="left" if heading in ("", "figure") else "right", no_wrap=True)
    for scope in shown:
        label = _label(scope)
        for name in ("service_level", "mean_wait_seconds", "wait_p95_seconds", "abandoned", "occupancy"):
            difference = differences[scope].get(name)
            if difference is None or scope not in figures or scope not in other_figures:
                continue
            figure = difference.figure
            table.add_row(
                label,
                (CALLER_COLUMNS | CREW_COLUMNS)[name],
                value_text(name, figures[scope][name].mean),
                value_text(name, other_figures[scope][name].mean),
                value_text(name, figure.mean, signed=True),
                f"{value_text(name, figure.low, signed=True)} … {value_text(name, figure.high, signed=True)}",
                difference.verdict,
                style="green" if difference.verdict == "better" else "red" if difference.verdict == "worse" else None,
            )
            label = ""
    console.print(table)
    _print_foot(console, context)


def back_test(
    scenario: Scenario, figures: Figures, happened: Mapping[Scope, Mapping[str, float]], context: Context, as_json: bool
) -> None:
    """What the simulator makes of a past day beside what happened: its error is what its forecasts must be read with."""
    rows = [
        (scope, name, actual, figures[scope][name])
        for scope, named in happened.items()
        for name, actual in named.items()
        if name != "calls" and scope in figures
    ]
    if as_json:
        _json(
            {
                "title": scenario.title,
                **context,
                "back_test": [
                    {
                        **_scope(scope),
                        "figure": name,
                        "happened": _number(actual),
                        "simulated": _figure(figure),
                        "error": _number(figure.mean - actual),
                    }
                    for scope, name, actual, figure in rows
                ],
            }
        )
        return
    console = _console()
    console.print(f"{scenario.title}, played again", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "figure", "happened", "simulated", "95 % interval", "error"):
        table.add_column(heading, justify="left" if heading in ("", "figure") else "right", no_wrap=True)
    before: Scope | None = None
    for scope, name, actual, figure in rows:
        table.add_row(
            _label(scope) if scope != before else "",
            CALLER_COLUMNS[name],
            value_text(name, actual),
            value_text(name, figure.mean),
            _interval(name, figure),
            value_text(name, figure.mean - actual, signed=True),
        )
        before = scope
    console.print(table)
    _print_foot(console, context)


def staffing(scenario: Scenario, plan: Plan, context: Context, as_json: bool) -> None:
    """The plan, span by span."""
    if as_json:
        _json(
            {
                "title": scenario.title,
                **context,
                "rounds": plan.rounds,
                "agent_hours": plan.agent_hours,
                "spans": [
                    {
                        "from": clock_time(span.from_seconds),
                        "to": clock_time(span.to_seconds),
                        "calls": round(span.expected_calls, 2),
                        "agents": span.agents,
                        "erlang_agents": span.erlang_agents,
                        "service_level": _number(span.service_level),
                        "met": span.met,
                    }
                    for span in plan.spans
                ],
                "figures": _plain({scope: named for scope, named in plan.figures.items() if scope.kind in ("all", "calls")}),
            }
        )
        return
    console = _console()
    console.print(f"{scenario.title}: the least staff", style="bold")
    groups = [name for name in plan.spans[0].agents if any(span.agents[name] for span in plan.spans)] if plan.spans else []
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("from", "to", "calls", *groups, "all", "Erlang A", "in time", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for span in plan.spans:
        table.add_row(
            clock_time(span.from_seconds),
            clock_time(span.to_seconds),
            f"{span.expected_calls:.0f}",
            *(str(span.agents[name]) for name in groups),
            str(sum(span.agents.values())),
            str(sum(span.erlang_agents.values())),
            value_text("service_level", span.service_level),
            "" if span.met else "target missed",
        )
    console.print(table)
    console.print(f"\n{plan.agent_hours:,.1f} agent hours. On days that were not used in the search:")
    _print_tables(console, plan.figures, [scope for scope in plan.figures if scope.kind in ("all", "calls")])
    _print_foot(console, context)


def value_text(name: str, value: float, *, signed: bool = False) -> str:
    """A figure in its unit: 81.2 %, 34 s, 1,204; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    sign = "+" if signed else ""
    unit = METRICS[name][0]
    if unit == "share":
        return f"{value * 100:+.1f} points" if signed else f"{value * 100:.1f} %"
    if unit == "seconds":
        return f"{value:{sign}.1f} s"
    if unit == "calls":
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.2f}"


def _print_tables(console: Console, figures: Figures, scopes: list[Scope]) -> None:
    for columns, kinds in ((CALLER_COLUMNS, ("all", "calls", "half_hour")), (CREW_COLUMNS, ("all", "crew"))):
        rows = [scope for scope in scopes if scope.kind in kinds]
        names = [
            name
            for name in columns
            if name in _ALWAYS or columns is CREW_COLUMNS or any(figures[scope].get(name, _NOTHING).mean > 0 for scope in rows)
        ]
        if not rows or not any(name in figures[rows[0]] for name in names):
            continue
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("" if columns is CALLER_COLUMNS else "agents", no_wrap=True)
        for name in names:
            table.add_column(columns[name], justify="right", no_wrap=True)
        for scope in rows:
            table.add_row(_label(scope), *(_with_margin(name, figures[scope].get(name, _NOTHING)) for name in names))
        console.print(table)
        console.print()


_NOTHING = Figure(math.nan, math.nan, math.nan)


def _with_margin(name: str, figure: Figure) -> str:
    """`81.2 % ±1.4`: mean and half the 95 % interval's width, in the same unit."""
    text = value_text(name, figure.mean)
    if not math.isfinite(figure.half_width) or name == "calls":
        return text
    width = figure.half_width * (100 if METRICS[name][0] == "share" else 1)
    return f"{text} ±{width:.2f}" if METRICS[name][0] == "ratio" else f"{text} ±{width:.1f}"


def _interval(name: str, figure: Figure) -> str:
    return f"{value_text(name, figure.low)} … {value_text(name, figure.high)}"


def _print_foot(console: Console, context: Context) -> None:
    console.print(
        f"{context['replications']} days simulated in {context['seconds']} s; ± and intervals: 95 % over these days. Seed {context['seed']}, "
        f"smart-ivr {context['version']}, Python {context['python']}, numpy {context['numpy']}, {context['machine']}.",
        style="dim",
        soft_wrap=True,
    )


def _console() -> Console:
    """Tables as wide as they are: what is piped or pasted is not folded."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=400)


def _label(scope: Scope) -> str:
    return {"all": "all", "half_hour": f"from {scope.name}"}.get(scope.kind, scope.name)


def _scopes(named: Mapping[Scope, object], half_hours: bool) -> list[Scope]:
    return [scope for scope in named if half_hours or scope.kind != "half_hour"]


def _scope(scope: Scope) -> dict[str, str]:
    return {"scope": scope.kind, "name": scope.name}


def _plain(figures: Figures) -> list[dict[str, object]]:
    return [
        {**_scope(scope), "figures": {name: _figure(figure) for name, figure in named.items()}}
        for scope, named in figures.items()
    ]


def _figure(figure: Figure) -> dict[str, float | str | None]:
    return {"mean": _number(figure.mean), "low": _number(figure.low), "high": _number(figure.high)}


def _number(value: float) -> float | None:
    """JSON has no word for what is not a number."""
    return round(value, 6) if math.isfinite(value) else None


def _json(content: Mapping[str, object]) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
