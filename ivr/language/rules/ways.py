"""Ways through a flow: what a caller passes on the way to a step, told in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ivr.language.flow import RETURN, Edge, Flow
from ivr.language.flow_reader import Opaque
from ivr.language.problems import nearest
from ivr.language.rules.registry import Lint

LONGEST_TOLD = 12


def edges_of(flow: Flow, step_name: str) -> tuple[Edge, ...]:
    """Edges out of a step for analysis: a misspelt target counts as the step that was probably meant, so that one mistake is told once."""
    step = flow.steps[step_name]
    if isinstance(step, Opaque):
        at = step.positions[""]
        below = flow.after(step_name)
        targets = [*step.mentions, *([below] if below else [])]
        return tuple(Edge(step_name, target, "", "", "", at) for target in targets)
    found = []
    for edge in flow.edges(step):
        if edge.target in flow.steps or edge.target == RETURN:
            found.append(edge)
        else:
            meant = nearest(edge.target, flow.steps)
            if meant:
                found.append(
                    Edge(edge.source, meant, edge.setting, edge.label, edge.told, edge.at, edge.chosen, edge.counted, edge.when)
                )
    return tuple(found)


def graph(flow: Flow) -> dict[str, tuple[Edge, ...]]:
    """Edges by step."""
    return {name: edges_of(flow, name) for name in flow.steps}


def graph_of(flow: Flow, lint: Lint) -> dict[str, tuple[Edge, ...]]:
    """`graph`, computed once for all rules."""
    return lint.once("graph", flow, lambda: graph(flow))


def leading_to(ends: frozenset[str], edges: dict[str, tuple[Edge, ...]]) -> frozenset[str]:
    """Every step from which one of `ends` can be reached, these included."""
    sources: dict[str, list[str]] = {}
    for name, out in edges.items():
        for edge in out:
            sources.setdefault(edge.target, []).append(name)
    found, open_names = set(ends), list(ends)
    while open_names:
        for name in sources.get(open_names.pop(), ()):
            if name not in found:
                found.add(name)
                open_names.append(name)
    return frozenset(found)


def passive(edge: Edge) -> bool:
    """Taken without the caller's doing: a caller who says and presses nothing passes only such edges."""
    return not edge.chosen


def ways_from(
    start: str, edges: dict[str, tuple[Edge, ...]], follow: Callable[[Edge], bool] = lambda edge: True
) -> dict[str, tuple[Edge, ...]]:
    """The shortest way from `start` to every step that can be reached."""
    found: dict[str, tuple[Edge, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for edge in edges.get(name, ()):
            if follow(edge) and edge.target not in found:
                found[edge.target] = (*found[name], edge)
                queue.append(edge.target)
    return found


def told(way: tuple[Edge, ...], start: str = "") -> tuple[str, ...]:
    """A way in words: each step with what happens there."""
    if not way:
        return (start,) if start else ()
    words = [f"{edge.source} ({edge.told})" if edge.told else edge.source for edge in way] + [way[-1].target]
    if len(words) > LONGEST_TOLD:
        words = [*words[: LONGEST_TOLD // 2], "…", *words[-LONGEST_TOLD // 2 :]]
    return tuple(words)


def circles(edges: dict[str, tuple[Edge, ...]], follow: Callable[[Edge], bool]) -> Iterator[tuple[Edge, ...]]:
    """One circle for each group of steps that lead to one another along followed edges."""
    for group in groups(edges, follow):
        inside = {name: tuple(e for e in edges[name] if follow(e) and e.target in group) for name in group}
        start = next(name for name in edges if name in group)
        for edge in inside[start]:
            back = ways_from(edge.target, inside).get(start)
            if back is not None:
                yield (edge, *back)
                break


def groups(edges: dict[str, tuple[Edge, ...]], follow: Callable[[Edge], bool]) -> list[frozenset[str]]:
    """Steps that lead to one another (strongly connected, Tarjan 1972, without recursion); single steps only with an edge to themselves."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[frozenset[str]] = []
    targets = {name: [e.target for e in out if follow(e) and e.target in edges] for name, out in edges.items()}
    for root in edges:
        if root in index:
            continue
        work = [(root, 0)]
        while work:
            name, position = work.pop()
            if position == 0:
                index[name] = low[name] = len(index)
                stack.append(name)
                on_stack.add(name)
            for number in range(position, len(targets[name])):
                target = targets[name][number]
                if target not in index:
                    work += [(name, number + 1), (target, 0)]
                    break
                if target in on_stack:
                    low[name] = min(low[name], index[target])
            else:
                if low[name] == index[name]:
                    group: set[str] = set()
                    while name not in group:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.add(member)
                    if len(group) > 1 or name in targets[name]:
                        found.append(frozenset(group))
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[name])
    return found
