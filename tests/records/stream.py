"""Event streams as readable text: calls, what happened in them, and what records and figures must say.

    == a title: one case
    rules shared=+4420… topic.refund=order window=24h     how records are counted in this case
    call A +447700900001 2026-03-02T10:00:00Z contact=B   a call; below it, one note a line: SECONDS KIND name=value …
      10 Queued queue=general
    late A                                                more notes of a call that is recorded already
      300 WrappedUp agent=ana seconds=20
    again A                                               the same journal is recorded once more
    decide 2026-03-10                                     windows that have closed by then are decided
    correct A resolved=false                              a supervisor's word
    expect A outcome=answered handle_seconds=120          fields of the record; A.leg1, A.visit1, A.call2 for its parts
    figures 2026-03-02 2026-03-03 tz=… group=queue:general where.language=es-ES target=30 : aht_contact=120 fcr=1/2
                                                          a value, or numerator/denominator; at the time of the last `decide`

An Arrived note is made of the `call` line. Values are numbers, true, false, null or text ("_" stands for a blank).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ivr.notes import KINDS, Note
from ivr.records import corrections
from ivr.records.fcr import decide_fcr
from ivr.records.record import Rules
from ivr.records.rollups import refresh_rollups
from ivr.records.rows import plain
from ivr.records.saving import close_call, recompute
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store

FOLDER = Path(__file__).parent / "streams"


@dataclass
class Case:
    """One case: its title, its lines with their numbers."""

    name: str
    lines: list[tuple[int, str]] = field(default_factory=list)


def read_cases() -> list[Case]:
    """All cases of all files."""
    cases: list[Case] = []
    for file in sorted(FOLDER.glob("*.txt")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("== "):
                cases.append(Case(f"{file.stem}: {line[3:].strip()}"))
            elif line.strip() and not line.lstrip().startswith("#"):
                cases[-1].lines.append((number, line))
    return cases


def value_of(text: str) -> Any:
    """A word of the format as a value."""
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and not (text.startswith("0") and len(text) > 1 and "." not in text):
        return float(text) if "." in text else int(text)
    return text.replace("_ ", " ")


def pairs(words: list[str]) -> dict[str, Any]:
    """`name=value` words."""
    return {name: value_of(value) for name, _, value in (word.partition("=") for word in words)}


def at_of(text: str) -> datetime:
    """A date or time, UTC where nothing else is said."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def rules_of(case: Case) -> Rules:
    """The case's rules; they stand before its first call."""
    rules = Rules()
    for _, line in case.lines:
        if line.startswith("rules "):
            for name, value in pairs(line.split()[1:]).items():
                if name == "shared":
                    rules = replace(rules, shared_numbers=frozenset({str(value)}))
                elif name.startswith("topic."):
                    rules = replace(rules, topics={**rules.topics, name[6:]: str(value)})
                elif name == "window":
                    rules = replace(rules, window_seconds=float(str(value).removesuffix("h")) * 3600)
    return rules


class Player:
    """Plays a case against a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.journals: dict[str, list[Note]] = {}
        self.starts: dict[str, datetime] = {}
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def play(self, case: Case) -> None:
        """Raises AssertionError naming the line that does not hold."""
        blocks: list[tuple[int, list[str], list[str]]] = []
        for number, line in case.lines:
            if line.startswith(" "):
                blocks[-1][2].append(line)
            else:
                blocks.append((number, line.split(), []))
        for number, words, notes in blocks:
            try:
                getattr(self, f"do_{words[0]}")(words[1:], notes)
            except AssertionError as error:
                raise AssertionError(f"{case.name}, line {number}: {' '.join(words)}\n{error}") from None

    def do_rules(self, words: list[str], _notes: list[str]) -> None:
        """Read before."""

    def do_call(self, words: list[str], notes: list[str]) -> None:
        call_id, number, start = words[0], None if words[1] == "withheld" else words[1], at_of(words[2])
        data: dict[str, Any] = {
            "from_number": number, "caller_kind": "phone" if number else "withheld", "to_number": "+442071838750", "direction": "inbound",
            "flow": "support", "revision": "1", "language": "en-GB", "contact_id": call_id, **pairs(words[3:]),
        }  # fmt: skip
        if "contact" in data:
            data["contact_id"] = data.pop("contact")
        data["revision"] = str(data["revision"])
        self.starts[call_id] = start
        self.journals[call_id] = [Note(call_id, "Arrived", start, data, 1)]
        self._add(call_id, notes)

    def do_late(self, words: list[str], notes: list[str]) -> None:
        self._add(words[0], notes)

    def do_again(self, words: list[str], _notes: list[str]) -> None:
        before = self._row(words[0])
        close_call(self.store, self.journals[words[0]], self.now)
        after = self._row(words[0])
        assert before == after, f"recording it again changed {[k for k in before if before[k] != after[k]]}"

    def do_decide(self, words: list[str], _notes: list[str]) -> None:
        self.now = at_of(words[0])
        decide_fcr(self.store, self.now)

    def do_correct(self, words: list[str], _notes: list[str]) -> None:
        for name, value in pairs(words[1:]).items():
            corrections.correct(self.store, words[0], name, value, reason="heard the recording", by="sam", now=self.now)
        recompute(self.store, words[0], self.now)

    def do_expect(self, words: list[str], _notes: list[str]) -> None:
        call_id, _, part = words[0].partition(".")
        row = self._row(call_id)
        if part:
            kind, place = re.fullmatch(r"(leg|visit)(\d+)", part).groups()  # type: ignore[union-attr]
            parts = row[f"{kind}s"]
            assert len(parts) >= int(place), f"there are only {len(parts)} {kind}s"
            row = parts[int(place) - 1]
        for name, wanted in pairs(words[1:]).items():
            stored = (
                row["survey"].get(name[7:], {}).get("answer")
                if name.startswith("survey.")
                else len(row[name[1:]])
                if name[0] == "#"
                else row[name]
            )
            stored = ",".join(stored) if isinstance(stored, list) else plain(stored)
            if isinstance(wanted, bool):
                stored = bool(stored) if stored is not None else None
            if isinstance(wanted, int | float) and isinstance(stored, int | float):
                assert abs(stored - wanted) < 0.001, f"{name} is {stored}, expected {wanted}"
            else:
                assert (stored == wanted) or (isinstance(wanted, int) and stored == str(wanted)), (
                    f"{name} is {stored!r}, expected {wanted!r}"
                )

    def do_figures(self, words: list[str], _notes: list[str]) -> None:
        middle = words.index(":")
        options, wanted = pairs(words[2:middle]), [word.partition("=")[::2] for word in words[middle + 1 :]]
        arguments = {"from": [words[0]], "to": [words[1]], "metrics": [",".join(name for name, _ in wanted)]}
        if "tz" in options:
            arguments["tz"] = [options["tz"]]
        if "target" in options:
            arguments["target_seconds"] = [str(options["target"])]
        for name, value in options.items():
            if name.startswith("where."):
                arguments[name[6:]] = [str(value)]
        if "group" in options:
            arguments["group_by"] = [str(options["group"]).partition(":")[0]]
        by_rows = self._figures({**arguments, "source": ["rows"]}, options)
        self._compare(by_rows, wanted)
        # The same from rollups, both stale (their half-hours marked) and fresh.
        assert self._figures(arguments, options) == by_rows, "stale rollups differ"
        refresh_rollups(self.store)
        assert self._figures(arguments, options) == by_rows, "fresh rollups differ"

    def _figures(self, arguments: dict[str, list[str]], options: dict[str, Any]) -> dict[str, Any]:
        found = figures(self.store, read_stats_query(arguments, self.store, self.now), self.now)
        if "group" not in options:
            return found["totals"]  # type: ignore[no-any-return]
        name, _, value = str(options["group"]).partition(":")
        rows = [row for row in found["rows"] if str(row["group"][name]) == value]
        assert rows, f"no group {value}: there are {[row['group'][name] for row in found['rows']]}"
        return rows[0]["figures"]  # type: ignore[no-any-return]

    def _compare(self, found: dict[str, Any], wanted: list[tuple[str, str]]) -> None:
        for name, text in wanted:
            figure = found[name]
            if text in ("provisional", "final"):
                assert figure["completeness"] == text, f"{name} is {figure['completeness']}"
            elif "/" in text:
                shown = f"{figure['numerator']:g}/{figure['denominator']:g}"
                assert shown == text, f"{name} is {shown}, expected {text}"
            else:
                value = value_of(text)
                assert (figure["value"] is None) == (value is None), f"{name} is {figure['value']}, expected {text}"
                assert value is None or abs(figure["value"] - value) < 0.0006, f"{name} is {figure['value']}, expected {text}"

    def _add(self, call_id: str, lines: list[str]) -> None:
        journal = self.journals[call_id]
        for line in lines:
            seconds, kind, *rest = line.split()
            assert kind in KINDS, f"{kind} is not a kind of note"
            at = self.starts[call_id] + timedelta(seconds=float(seconds))
            journal.append(Note(call_id, kind, at, pairs(rest), len(journal) + 1))
        self.now = max(self.now, *(n.at + timedelta(seconds=1) for n in journal))
        close_call(self.store, journal, self.now)

    def _row(self, call_id: str) -> dict[str, Any]:
        row = self.store.row(call_id)
        assert row is not None, f"there is no call {call_id}"
        return row
