"""Where the boxes of a flow stand when it is drawn: computed each time, never stored, so that moving a box is never a change.

Layers from left to right (Sugiyama, Tagawa, Toda 1981): ways that lead back are set aside, each step stands right of all that lead to it,
layers are ordered so that few lines cross (barycentre sweeps), and heights follow the lines (least squares with least distances, by
pooling adjacent violators).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

GAP_Y = 26.0
SWEEPS = 12


@dataclass(frozen=True)
class Box:
    """What is placed: height, and for each way out the height of its port below the box's top."""

    name: str
    height: float
    port_in: float = 0.0


@dataclass(frozen=True)
class Line:
    """A way from a port of `source` to `target`."""

    source: str
    target: str
    port_out: float


@dataclass(frozen=True)
class Placed:
    """`layer` and `top` by box; `bends` by line: heights at the layers a line passes on its way."""

    layer: Mapping[str, int]
    top: Mapping[str, float]
    bends: Mapping[Line, tuple[float, ...]]
    back: frozenset[Line]
    height: float


@dataclass
class _Item:
    """A box, or the place where a long line passes a layer."""

    key: str
    height: float
    port_in: float
    left: list[tuple[str, float]] = field(default_factory=list)  # (item in the layer before, its port's height)
    right: list[tuple[str, float]] = field(default_factory=list)  # (item in the layer after, own port's height)


def place(boxes: Sequence[Box], lines: Sequence[Line]) -> Placed:
    """Layers and heights for `boxes`; the first one is where calls begin."""
    names = [box.name for box in boxes]
    back = _leading_back(names, lines)
    forward = [line for line in lines if line not in back]
    layer = _layers(names, forward)
    items, rows, passing = _items(boxes, forward, layer)
    _order(rows, items)
    tops = _heights(rows, items)
    low = min(tops.values(), default=0.0)
    tops = {key: top - low for key, top in tops.items()}
    bends = {line: tuple(tops[key] + items[key].port_in for key in keys) for line, keys in passing.items()}
    height = max((tops[key] + items[key].height for key in tops), default=0.0)
    return Placed(layer, {name: tops[name] for name in names}, bends, back, height)


def _leading_back(names: Sequence[str], lines: Sequence[Line]) -> frozenset[Line]:
    """Lines that close a circle, found depth first from the first box on."""
    out: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        out[line.source].append(line)
    state: dict[str, int] = {}
    back: set[Line] = set()
    for root in names:
        if root in state:
            continue
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            name, number = work.pop()
            state[name] = 1
            for index in range(number, len(out[name])):
                line = out[name][index]
                if state.get(line.target) == 1:
                    back.add(line)
                elif line.target not in state:
                    work += [(name, index + 1), (line.target, 0)]
                    break
            else:
                state[name] = 2
    return frozenset(back)


def _layers(names: Sequence[str], lines: Sequence[Line]) -> dict[str, int]:
    """Each box one layer right of the last box that leads to it."""
    into: dict[str, int] = dict.fromkeys(names, 0)
    out: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        into[line.target] += 1
        out[line.source].append(line.target)
    layer = dict.fromkeys(names, 0)
    ready = [name for name in names if into[name] == 0]
    while ready:
        name = ready.pop()
        for target in out[name]:
            layer[target] = max(layer[target], layer[name] + 1)
            into[target] -= 1
            if into[target] == 0:
                ready.append(target)
    return layer


def _items(
    boxes: Sequence[Box], lines: Sequence[Line], layer: Mapping[str, int]
) -> tuple[dict[str, _Item], list[list[str]], dict[Line, tuple[str, ...]]]:
    """Boxes and passing places by key, layer by layer, joined to their neighbours."""
    items = {box.name: _Item(box.name, box.height, box.port_in) for box in boxes}
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for box in boxes:
        rows[layer[box.name]].append(box.name)
    passing: dict[Line, tuple[str, ...]] = {}
    through: dict[tuple[str, int], str] = {}
    for line in lines:
        before, port = line.source, line.port_out
        keys = []
        for number in range(layer[line.source] + 1, layer[line.target]):
            # Lines to one target share their passing places, so that they run together like a bundle of wires.
            key = through.get((line.target, number))
            if key is None:
                key = f"\x00{line.target}\x00{number}"
                through[(line.target, number)] = key
                items[key] = _Item(key, 6.0, 3.0)
                rows[number].append(key)
            _join(items, before, key, port)
            keys.append(key)
            before, port = key, 3.0
        _join(items, before, line.target, port)
        passing[line] = tuple(keys)
    return items, rows, passing


def _join(items: dict[str, _Item], left: str, right: str, port: float) -> None:
    if (right, port) not in items[left].right:
        items[left].right.append((right, port))
        items[right].left.append((left, port))


def _order(rows: list[list[str]], items: dict[str, _Item]) -> None:
    """Order each layer by where its neighbours stand, sweeping to and fro; the best order seen is kept."""
    best, best_crossings = [list(row) for row in rows], _crossings(rows, items)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for number in range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1):
            beside = rows[number - 1 if forward else number + 1]
            place_of = {key: index for index, key in enumerate(beside)}
            where = {key: _barycentre(items[key], place_of, forward, index) for index, key in enumerate(rows[number])}
            rows[number].sort(key=lambda key: where[key])
        crossings = _crossings(rows, items)
        if crossings < best_crossings:
            best, best_crossings = [list(row) for row in rows], crossings
    rows[:] = best


def _barycentre(item: _Item, place_of: Mapping[str, int], forward: bool, otherwise: float) -> float:
    beside = item.left if forward else item.right
    found = [place_of[key] + (port / 1000 if forward else 0) for key, port in beside if key in place_of]
    return sum(found) / len(found) if found else otherwise


def _crossings(rows: list[list[str]], items: dict[str, _Item]) -> int:
    total = 0
    for left, right in itertools.pairwise(rows):
        place_of = {key: index for index, key in enumerate(right)}
        ends = [
            place_of[target]
            for key in left
            for target, _ in sorted(items[key].right, key=lambda found: found[1])
            if target in place_of
        ]
        total += sum(1 for i, one in enumerate(ends) for other in ends[i + 1 :] if one > other)
    return total


def _heights(rows: list[list[str]], items: dict[str, _Item]) -> dict[str, float]:
    """The top of each item: first stacked, then drawn towards its neighbours."""
    top: dict[str, float] = {}
    for row in rows:
        y = 0.0
        for key in row:
            top[key] = y
            y += items[key].height + GAP_Y
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for row in rows if forward else reversed(rows):
            wishes, weights = [], []
            for key in row:
                item = items[key]
                pulls = [top[other] + port - item.port_in for other, port in item.left]
                if not forward or not pulls:
                    pulls += [top[other] + items[other].port_in - port for other, port in item.right]
                wishes.append(sum(pulls) / len(pulls) if pulls else top[key])
                weights.append(4.0 if key.startswith("\x00") else 1.0)
            for key, y in zip(row, spread(wishes, [items[key].height + GAP_Y for key in row], weights), strict=True):
                top[key] = y
    return top


def spread(wishes: Sequence[float], room: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Places as near to `wishes` as can be (weighted least squares) where each takes `room` before the next may begin."""
    offsets, total = [], 0.0
    for size in room:
        offsets.append(total)
        total += size
    blocks: list[tuple[float, float, int]] = []  # (mean of wish - offset, weight, how many)
    for wish, offset, weight in zip(wishes, offsets, weights, strict=True):
        mean, heavy, count = wish - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_weight, other_count = blocks.pop()
            mean = (mean * heavy + other * other_weight) / (heavy + other_weight)
            heavy, count = heavy + other_weight, count + other_count
        blocks.append((mean, heavy, count))
    placed: list[float] = []
    for mean, _, count in blocks:
        placed += [mean + offsets[len(placed) + number] for number in range(count)]
    return placed
