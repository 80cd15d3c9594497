"""From a file's tree to a `Flow`: header, steps, settings. Every mistake is told; what can be read is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ivr.language.fields import KINDS, Exit, Kind, Setting, Step
from ivr.language.flow import RETURN, Flow
from ivr.language.migrations import FORMAT, upgraded
from ivr.language.problems import Findings, did_you_mean, nearest, quoted
from ivr.language.readers import Reading, Unread, kept, read_setting, text_of
from ivr.language.readers.plain import NAME, read_flag, read_name
from ivr.language.readers.spoken import read_template
from ivr.language.source import Entry, Mapping, Node, Sequence, Source, Text, what
from ivr.language.values import Option, Position, Prompt

HEADER = ("flow", "format", "title", "languages", "facts", "returns", "steps")
MOST_STEPS = 500
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
DEFAULT_LANGUAGE = "en-GB"
_FLAG = Setting(Kind.FLAG, "")
_FLOW = Setting(Kind.NAME, "", of="flow")
_FACT = Setting(Kind.NAME, "", of="fact")


def read_flow(source: Source, findings: Findings) -> Flow | None:
    """The flow of a file; None where there is nothing to go on with (problems tell why)."""
    reading = Reading(findings)
    start = Position(source.file, 1, 1)
    if source.root is None:
        if not any(problem.file == source.file for problem in findings.found):
            findings.add(start, "missing-setting", "The file is empty.", "Begin with `flow:` and its name.")
        return None
    if not isinstance(source.root, Mapping):
        findings.add(
            source.root.at,
            "wrong-value",
            f"A flow is a block of settings; here is {what(source.root)}.",
            "Begin with `flow:` and its name.",
        )
        return None
    root = upgraded(source.root, findings)
    if root is None:
        return None
    _unknown_header(root, findings)
    name = _header_name(root, reading)
    languages = _languages(root, reading)
    steps, unread = _steps(root, reading, source)
    if not steps:
        return None
    title = root.get("title")
    returns = root.get("returns")
    return Flow(
        name=name or "unnamed",
        title=(kept(_title, title, reading) if title is not None else None) or (name or "").replace("_", " ").capitalize(),
        languages=languages or (DEFAULT_LANGUAGE,),
        facts=_facts(root, reading),
        returns=bool(kept(read_flag, returns, _FLAG, reading)) if returns is not None else False,
        steps=steps,
        at=root.at,
        positions=_header_positions(root),
        unread=unread,
    )


def _title(node: Any, reading: Reading) -> str:
    return read_template(text_of(node, reading, "what the flow is for"), reading).source


def _unknown_header(root: Mapping, findings: Findings) -> None:
    for entry in root:
        key = entry.key.value
        if key not in HEADER:
            hint = (
                "Steps stand under `steps:`, two spaces further in."
                if isinstance(entry.value, Mapping)
                else did_you_mean(key, HEADER)
            )
            findings.add(entry.key.at, "unknown-setting", f"A flow has no setting {quoted(key)}.", hint, length=len(key))
    if root.get("format") is None:
        findings.add(
            root.at, "missing-setting", "The flow does not say which format it is written in.", f"Write `format: {FORMAT}`."
        )


def _header_name(root: Mapping, reading: Reading) -> str | None:
    node = root.get("flow")
    if node is None:
        reading.findings.add(root.at, "missing-setting", "The flow has no name.", "Write `flow: ` and its name, such as support.")
        return None
    return kept(read_name, node, _FLOW, reading)


def _header_positions(root: Mapping) -> dict[str, Position]:
    """Where each header's value stands, and each item of a list under "facts.order"."""
    found = {entry.key.value: entry.value.at for entry in root}
    for word in ("facts", "languages"):
        node = root.get(word)
        for item in node.items if isinstance(node, Sequence) else ():
            if isinstance(item, Text):
                found[f"{word}.{item.value.strip()}"] = item.at
    return found


def _languages(root: Mapping, reading: Reading) -> tuple[str, ...]:
    node = root.get("languages")
    if node is None:
        return ()
    found = []
    for item in node.items if isinstance(node, Sequence) else (node,):
        text = kept(text_of, item, reading, "languages such as [en-GB, es-ES]")
        if text is None:
            continue
        value = text.value.strip()
        if not LANGUAGE.fullmatch(value):
            reading.findings.add(
                item.at, "wrong-value", f"{quoted(value)} is not a language.", "Write it like en-GB or es-ES.", length=len(value)
            )
        elif value in found:
            reading.findings.add(item.at, "wrong-value", f"{value} stands here twice.", "Delete one.", length=len(value))
        else:
            found.append(value)
    return tuple(found)


def _facts(root: Mapping, reading: Reading) -> tuple[str, ...]:
    node = root.get("facts")
    if node is None:
        return ()
    if isinstance(node, Sequence) and not node.items:
        return ()
    names = [kept(read_name, item, _FACT, reading) for item in (node.items if isinstance(node, Sequence) else (node,))]
    return tuple(dict.fromkeys(name for name in names if name))


def _steps(root: Mapping, reading: Reading, source: Source) -> tuple[dict[str, Step], dict[str, frozenset[str]]]:
    node = root.get("steps")
    findings = reading.findings
    if node is None:
        findings.add(root.at, "missing-setting", "The flow has no `steps`.", "Write `steps:` and below it each step by its name.")
        return {}, {}
    if not isinstance(node, Mapping) or not node.entries:
        findings.add(
            node.at,
            "wrong-value",
            f"Steps are a block of named steps; here is {what(node)}.",
            "Write each step as `name:` with its settings below.",
        )
        return {}, {}
    if len(node.entries) > MOST_STEPS:
        findings.add(
            node.at,
            "too-large",
            f"The flow has {len(node.entries)} steps; at most {MOST_STEPS}.",
            "Split it into flows that `run` one another.",
        )
        return {}, {}
    names = tuple(entry.key.value for entry in node)
    inner = Reading(findings, names)
    steps: dict[str, Step] = {}
    unread: dict[str, frozenset[str]] = {}
    for entry in node:
        step, missed = _step(entry, inner)
        steps[entry.key.value] = step
        if missed:
            unread[entry.key.value] = missed
    return steps, unread


OPAQUE = frozenset({"*"})
"""In `Flow.unread`: nothing of the step could be read."""


def _step(entry: Entry, reading: Reading) -> tuple[Step, frozenset[str]]:
    findings, name, block = reading.findings, entry.key.value, entry.value
    if name == RETURN or not NAME.fullmatch(name):
        hint = (
            "`return` is reserved; choose another name."
            if name == RETURN
            else "Names are small letters, digits and _, such as main_menu."
        )
        findings.add(entry.key.at, "step-name", f"{quoted(name)} cannot be the name of a step.", hint, length=len(name))
    nothing = Opaque(name, {"": entry.key.at})
    if not isinstance(block, Mapping) or not block.entries:
        if isinstance(block, Text) and re.match(r"[a-z_]+:\S", block.value):
            word, _, rest = block.value.partition(":")
            findings.add(
                block.position(len(word)), "missing-space", "There is no space after the colon.", f"Write `{word}: {rest[:30]}`."
            )
            return nothing, OPAQUE
        at = entry.key.at if isinstance(block, Text) and block.empty else block.at
        findings.add(
            at,
            "unknown-kind",
            f"A step is a block of settings; here is {what(block)}.",
            "Write what it does below, such as `say: Hello.`",
        )
        return nothing, OPAQUE
    kind = _kind(name, block, findings)
    if kind is None:
        return Opaque(name, {"": entry.key.at}, tuple(_mentioned(block, reading.steps))), OPAQUE
    return _typed(name, entry.key.at, kind, block, reading)


def _kind(name: str, block: Mapping, findings: Findings) -> str | None:
    """The step's kind: its first setting; a kind further down is told and taken."""
    first = block.entries[0].key
    if first.value in KINDS:
        return first.value
    for entry in block.entries[1:]:
        if entry.key.value in KINDS:
            findings.add(
                first.at,
                "verb-first",
                f"The first line of a step says what it does; here it is {quoted(first.value)}.",
                f"Move `{entry.key.value}` to the top of {quoted(name)}.",
                length=len(first.value),
            )
            return entry.key.value
    findings.add(
        first.at,
        "unknown-kind",
        f"There is no kind of step {quoted(first.value)}.",
        did_you_mean(first.value, KINDS, "There are: "),
        length=len(first.value),
    )
    return None


def _typed(name: str, name_at: Position, kind: str, block: Mapping, reading: Reading) -> tuple[Step, frozenset[str]]:
    step_class = KINDS[kind]
    declared = {
        setting.yaml_name or python_name: (python_name, setting) for python_name, setting in step_class.settings().items()
    }
    values: dict[str, Any] = {}
    missed: set[str] = set()
    positions: dict[str, Position] = {"": name_at}
    for entry in block:
        word = entry.key.value
        if word not in declared:
            _unknown_setting(kind, entry, tuple(declared), reading.findings)
            continue
        python_name, setting = declared[word]
        positions[word] = entry.value.at
        for inner in _names_inside(entry.value):
            positions.setdefault(f"{word}.{inner.value}", inner.at)
        try:
            if (
                isinstance(entry.value, Text)
                and entry.value.empty
                and not entry.value.tail.strip()
                and word == kind
                and not setting.required
            ):
                continue
            values[python_name] = read_setting(entry.value, setting, reading)
        except Unread:
            missed.add(word)
    for word, (python_name, setting) in declared.items():
        if python_name in values or word in missed or not setting.required:
            continue
        _missing(name, kind, word, setting, name_at, reading.findings)
        missed.add(word)
    for word in missed:
        python_name, setting = declared[word]
        if setting.required or python_name in values:
            values[python_name] = _stand_in(setting, name_at)
    return step_class(name=name, positions=positions, **values), frozenset(missed)


def _names_inside(node: Node) -> Iterator[Text]:
    """Names of a block, of the blocks of a list, and of the blocks inside these: skills, arguments."""
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Mapping):
            for entry in item:
                yield entry.key
                if isinstance(entry.value, Mapping):
                    yield from (inner.key for inner in entry.value)


def _unknown_setting(kind: str, entry: Entry, known: tuple[str, ...], findings: Findings) -> None:
    word = entry.key.value
    if word in KINDS and nearest(word, known) is None:
        hint = f"`{word}` is a kind of step: give it a step of its own."
    else:
        hint = did_you_mean(word, known, f"`{kind}` has: ")
    findings.add(entry.key.at, "unknown-setting", f"`{kind}` steps have no setting {quoted(word)}.", hint, length=len(word))


def _missing(name: str, kind: str, word: str, setting: Setting, at: Position, findings: Findings) -> None:
    if setting.exit is Exit.MUST:
        where = setting.doc[0].lower() + setting.doc[1:].rstrip(".")
        findings.add(
            at,
            "missing-exit",
            f"{quoted(name)} does not say {where}.",
            f"Write `{word}: ` and the name of a step.",
            length=len(name),
        )
        return
    told = setting.doc[0].lower() + setting.doc[1:].rstrip(".")
    findings.add(
        at, "missing-setting", f"{quoted(name)} has no `{word}` ({told}).", f"Every `{kind}` step needs it.", length=len(name)
    )


def _stand_in(setting: Setting, at: Position) -> Any:
    """A value for a required setting that could not be read, so that the rest of the step can be looked at."""
    if setting.kind is Kind.PROMPT:
        return Prompt((), at)
    if setting.kind in (Kind.MENU_OPTIONS, Kind.DECISIONS):
        return tuple[Option, ...]()
    if setting.kind is Kind.EXPRESSION:
        return None
    return ""


class Opaque(Step):
    """A step whose kind is not known; `mentions` are the steps it names, so that these do not count as unreachable."""

    def __init__(self, name: str, positions: dict[str, Position], mentions: tuple[str, ...] = ()) -> None:
        super().__init__(name, positions)
        object.__setattr__(self, "mentions", mentions)

    mentions: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "?"


def _mentioned(node: Any, steps: tuple[str, ...]) -> list[str]:
    if isinstance(node, Mapping):
        return [name for entry in node for name in _mentioned(entry.value, steps)]
    if isinstance(node, Sequence):
        return [name for item in node for name in _mentioned(item, steps)]
    return [node.value] if isinstance(node, Text) and node.value in steps else []
