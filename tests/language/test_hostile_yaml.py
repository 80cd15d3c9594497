"""Files made to hurt: each is refused with a problem, in bounded time, and nothing of them is carried out."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ivr.steps  # registers every kind of step
from ivr.language.bundle import compile_bundle
from ivr.language.problems import Findings, shown
from ivr.language.source import MOST_BYTES, decode, read_source

assert ivr.steps
HEAD = "flow: line\nformat: 1\nsteps:\n  greet:\n    say: "

BOMBS = {
    "billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)),
    "deep lists": HEAD + "[" * 100_000,
    "deep blocks": "\n".join(f"{' ' * n}a{n}:" for n in range(400)),
    "deep mappings": HEAD + "{a: " * 50_000,
    "many nodes": "flow: line\nsteps:\n" + "".join(f"  s{n}: {{say: x}}\n" for n in range(6_000)),
    "many lists": HEAD + "[" + "[],".join([""] * 80_000) + "]",
    "one long line": HEAD + "x" * (MOST_BYTES - 200),
    "long key": "flow: line\n" + "k" * 200_000 + ": 1\n",
    "many quotes": HEAD + "'" * 200_000,
    "open quote": HEAD + '"' + "x\n\n" * 60_000,
    "many colons": HEAD + ": " * 100_000,
    "many questions": HEAD + "? " * 100_000,
    "many dashes": HEAD + "- " * 100_000,
    "many anchors": HEAD + "".join(f"&a{n} " for n in range(20_000)),
    "many tags": HEAD + "!!str " * 40_000,
    "tag that constructs": HEAD + '!!python/object/apply:os.system ["true"]',
    "directive": "%YAML 9.9\n---\nflow: line\n",
    "unknown directive": "%TAG ! tag:example.com,2000:\n---\n!x flow: line\n",
    "only comments": "#\n" * 80_000,
    "folded": HEAD + ">\n" + "      x\n" * 30_000,
    "many documents": "---\n" * 50_000,
    "tabs": "\t" * 100_000,
    "line separators": HEAD + "a\u2028b\u2029c\u0085d",
    "surrogate": HEAD + "\ud800",
    "right to left override": HEAD + "\u202eolleh",
    "null key": "~: x\nnull: y\n? \n: z\n",
    "braces in a template": HEAD + '"' + "{{" * 60_000 + '"',
    "long expression": HEAD + "[{when: '" + "(" * 100_000 + "', text: x}]",
    "deep expression": HEAD + "[{when: '" + "not " * 110 + "caller.known', text: x}]",
    "long number": HEAD + "[{when: '" + "9" * 450 + " == 1', text: x}]",
    "power": HEAD + "[{when: '9**9**9**9 > 1', text: x}]",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_refused_in_bounded_time(text: str) -> None:
    started = time.thread_time()
    compiled = compile_bundle({"line.yaml": text})
    assert time.thread_time() - started < 3.0
    assert compiled.bundle is None
    assert compiled.problems
    for problem in compiled.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        shown(problem, text.split("\n"))


def test_too_large_a_file_is_not_read() -> None:
    findings = Findings()
    assert decode(b"flow: line\n" + b"#" * MOST_BYTES, "line.yaml", findings) is None
    assert findings.found[0].rule == "too-large"
    compiled = compile_bundle({"line.yaml": "flow: line\n" + "# é\n" * 80_000})
    assert [problem.rule for problem in compiled.problems] == ["too-large"]


def test_too_many_steps() -> None:
    text = "flow: line\nformat: 1\nsteps:\n" + "".join(f"  s{n}: {{hangup: Bye.}}\n" for n in range(600))
    assert "too-large" in {problem.rule for problem in compile_bundle({"line.yaml": text}).problems}


def test_nothing_of_the_terminal_is_driven_by_a_file() -> None:
    text = HEAD + '"\\e[2J \\a {{ nothing }}"\n'
    compiled = compile_bundle({"line.yaml": text})
    for problem in compiled.problems:
        assert "\x1b" not in shown(problem, text.split("\n"))
        assert "\x07" not in str(problem)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    findings = Findings()
    source = read_source("line.yaml", text, findings)
    assert (
        source.root is not None
        or findings.found
        or not text.strip()
        or all(line.strip()[:1] in ("", "#") for line in text.splitlines())
    )


PIECES = [
    *"\t -:#'\"[]{},&*!|>%@`?~\\\n",
    "\n  ",
    "\n    ",
    "say: ",
    "menu: ",
    "go: ",
    "when: ",
    "{{ ",
    " }}",
    "caller.known",
    "- ",
    "text: ",
    "1",
    "x y",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_mixture_of_yaml_is_read_or_refused(pieces: list[str]) -> None:
    compiled = compile_bundle({"line.yaml": HEAD + "".join(pieces)})
    for problem in compiled.problems:
        str(problem)


def test_damaged_copies_of_a_real_flow() -> None:
    """Every sort of slip of the keyboard in a real flow: never an exception, always within bounds."""
    seed = 20261122
    print(f"seed {seed}")
    chance = random.Random(seed)
    from tests.language.broken_files import FOLDER

    text = (FOLDER / "ten_mistakes.yaml").read_text(encoding="utf-8")
    for _ in range(300):
        damaged = list(text)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(damaged))
            action = chance.randrange(3)
            if action == 0:
                del damaged[place]
            elif action == 1:
                damaged.insert(place, chance.choice("\t:#'\"[]{}&*!|>%@`-\n x"))
            else:
                damaged[place] = chance.choice("\t:#'\"[]{}&*!|>%@`-\n x")
        compile_bundle({"line.yaml": "".join(damaged)})
