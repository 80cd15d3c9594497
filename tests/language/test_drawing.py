"""Flows as drawings and as Mermaid text."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

import ivr.steps  # registers every kind of step
from ivr.language.bundle import compile_bundle
from ivr.language.fields import KINDS
from ivr.language.flow import Flow
from ivr.language.graph import FAMILIES, svg
from ivr.language.layout import Box, Line, place, spread
from ivr.language.mermaid import mermaid
from tests.language.broken_files import cases

assert ivr.steps
SVG = "{http://www.w3.org/2000/svg}"
FLOW = """
flow: line
format: 1
title: Parcels & <bills>
steps:
  greet:
    say: Hello "there".
  main_menu:
    menu: Press 1 for parcels, 2 to hear this again.
    options:
      - {key: 1, intent: order_status, go: adviser}
      - {key: 2, go: main_menu, when: caller.kind == "phone"}
    reprompts: [Press 1.]
    give_up: adviser
  adviser:
    queue: general
    closed: voicemail
    no_answer: voicemail
  goodbye:
    hangup: Goodbye.
  voicemail:
    voicemail: Please leave a message.
    next: goodbye
"""


def flow(text: str = FLOW, name: str = "line") -> Flow:
    return compile_bundle({"line.yaml": text}).flows[name]


def test_every_kind_has_a_colour() -> None:
    assert set(FAMILIES) == set(KINDS)


def test_the_drawing_is_sound_and_complete() -> None:
    drawing = svg(flow())
    root = ET.fromstring(drawing)
    titles = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert titles[0] == "Parcels & <bills>"
    for told in (
        "greet to main_menu",
        "main_menu to adviser: key 1 / order status",
        "main_menu to main_menu: key 2",
        "adviser to voicemail: closed",
    ):
        assert told in titles
    boxes = {element.get("id") for element in root.iter(f"{SVG}g")}
    assert {f"step-{name}" for name in flow().steps} <= boxes
    assert "prefers-color-scheme:dark" in drawing
    assert "<script" not in drawing
    assert "http://" not in drawing.replace("http://www.w3.org/2000/svg", "")


def test_the_drawing_is_the_same_every_time() -> None:
    assert svg(flow()) == svg(flow())


@pytest.mark.parametrize("case", [case for case in cases() if case.is_file()][::7], ids=lambda case: case.stem)
def test_broken_flows_are_drawn_as_far_as_they_were_read(case: Path) -> None:
    for found in compile_bundle({"line.yaml": case.read_bytes().decode("utf-8", "replace")}).flows.values():
        ET.fromstring(svg(found))
        assert mermaid(found).startswith("---\ntitle:")


def test_mermaid_text() -> None:
    assert mermaid(flow()) == (
        "---\n"
        'title: "Parcels & <bills>"\n'
        "---\n"
        "flowchart TD\n"
        '    s0["greet<br/>say"]\n'
        '    s1{{"main_menu<br/>menu"}}\n'
        '    s2(["adviser<br/>queue"])\n'
        '    s3(("goodbye<br/>hangup"))\n'
        '    s4["voicemail<br/>voicemail"]\n'
        "    s0 --> s1\n"
        '    s1 -- "key 1 / order status" --> s2\n'
        '    s1 -- "key 2" --> s1\n'
        '    s1 -- "give up" --> s2\n'
        '    s2 -- "closed" --> s4\n'
        '    s2 -- "no answer" --> s4\n'
        "    s2 --> s3\n"
        "    s4 --> s3\n"
    )


def test_boxes_do_not_overlap_and_lines_lead_to_the_right() -> None:
    seed = 11
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(20):
        count = chance.randint(2, 40)
        boxes = [Box(f"b{n}", chance.uniform(30, 200), 15.0) for n in range(count)]
        lines = list({Line(f"b{chance.randrange(count)}", f"b{chance.randrange(count)}", 20.0): 0 for _ in range(count * 2)})
        lines = [line for line in lines if line.source != line.target]
        placed = place(boxes, lines)
        for line in lines:
            assert line in placed.back or placed.layer[line.source] < placed.layer[line.target]
        for layer in range(max(placed.layer.values()) + 1):
            column = sorted((placed.top[box.name], box.height) for box in boxes if placed.layer[box.name] == layer)
            for (top, height), (below, _) in pairwise(column):
                assert top + height <= below + 1e-6


def test_places_are_as_near_to_their_wishes_as_can_be() -> None:
    assert spread([0.0, 0.0], [10.0, 10.0], [1.0, 1.0]) == [-5.0, 5.0]
    assert spread([0.0, 50.0], [10.0, 10.0], [1.0, 1.0]) == [0.0, 50.0]
    assert spread([], [], []) == []
