"""YAML with positions: everything is text, and every place is where it is said to be."""

from __future__ import annotations

from ivr.language.problems import Findings
from ivr.language.source import Mapping, Sequence, Text, plain, read_source


def read(text: str) -> tuple[object, list[str]]:
    findings = Findings()
    source = read_source("x.yaml", text, findings)
    return source.root, [problem.rule for problem in findings.found]


def test_all_scalars_stay_text() -> None:
    root, rules = read("no: b\noff: c\nlist: [yes, 0123, 1.10, 2026-01-01, ~, null]\nempty:\n")
    assert rules == []
    assert plain(root) == {"no": "b", "off": "c", "list": ["yes", "0123", "1.10", "2026-01-01", "~", "null"], "empty": ""}  # type: ignore[arg-type]


def test_positions_point_into_the_text() -> None:
    root, _ = read('a:\n  - plain text\n  - "quoted text"\n  - "with \\" escape"\n  - >\n    folded\n')
    assert isinstance(root, Mapping)
    items = root.get("a")
    assert isinstance(items, Sequence)
    places = [item.position(2) for item in items if isinstance(item, Text)]
    assert [(place.line, place.column) for place in places] == [(2, 7), (3, 8), (4, 5), (5, 5)]


def test_line_ends_of_any_system() -> None:
    for end in ("\n", "\r\n", "\r"):
        root, rules = read(f"a: 1{end}b:{end}  c: 2{end}")
        assert rules == []
        assert plain(root) == {"a": "1", "b": {"c": "2"}}  # type: ignore[arg-type]


def test_several_syntax_mistakes_are_told_in_one_run() -> None:
    root, rules = read("a: one: two\nb: @home\nc: {{ x }} y\nd: fine\n")
    assert rules == ["needs-quotes"] * 3
    assert isinstance(root, Mapping)
    assert root.keys() == ["a", "b", "c", "d"]


def test_the_first_of_two_equal_keys_stays() -> None:
    root, rules = read("a: 1\na: 2\n")
    assert rules == ["duplicate-key"]
    assert plain(root) == {"a": "1"}  # type: ignore[arg-type]
