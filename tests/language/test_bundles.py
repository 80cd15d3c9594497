"""Bundles: hashes, translations, exits that are fallen through to, names that a flow may use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ivr.steps  # registers every kind of step
from ivr.errors import FlowError
from ivr.language.bundle import Bundle, compile_bundle, compile_folder, content_hash
from ivr.language.flow import RETURN
from ivr.language.problems import MOST_PROBLEMS
from ivr.language.translating import coverage, updated
from tests.language.world_of_names import NAMES

assert ivr.steps
LINE = """
flow: line
format: 1
languages: [en-GB, es-ES]
facts: [order]
steps:
  greet:
    say: Hello, and welcome.
  tell:
    say:
      - {when: order.known, text: "Order {{ order.number | spell }} is here."}
      - {text: There is no order.}
  adviser:
    queue: general
    closed: message
    no_answer: message
    next: survey
  survey:
    run: survey
  message:
    voicemail: Please speak.
  goodbye:
    hangup: Goodbye.
"""
SURVEY = """
flow: survey
format: 1
languages: [en-GB, es-ES]
returns: yes
steps:
  thanks:
    say: Thank you.
"""
SPANISH = """
# Female voice.
Hello, and welcome.: Hola, bienvenido.
"Order {{ order.number | spell }} is here.": El pedido {{ order.number | spell }} ha llegado.
There is no order.: No hay ningún pedido.
Please speak.: Hable, por favor.
Goodbye.: Adiós.
Thank you.: Gracias.
"""
FILES = {"line.yaml": LINE, "survey.yaml": SURVEY, "prompts/es-ES.yaml": SPANISH}


def bundle(**changed: str) -> Bundle:
    compiled = compile_bundle({**FILES, **{name.replace("__", "/") + ".yaml": text for name, text in changed.items()}}, NAMES)
    assert [str(problem) for problem in compiled.problems] == []
    return compiled.required()


def test_hash_tells_content_and_nothing_else() -> None:
    first = bundle()
    assert re.fullmatch("[0-9a-f]{64}", first.hash)
    assert bundle().hash == first.hash
    assert (
        compile_bundle(dict(reversed(FILES.items())) | {"tests/x.yaml": "a: 1", "audio/x.wav": ""}, NAMES).required().hash
        == first.hash
    )
    assert bundle(survey=SURVEY + "\n").hash != first.hash
    assert content_hash({"a": "bc", "d": ""}) != content_hash({"a": "b", "cd": ""})
    assert set(first.files) == set(FILES)


def test_translations_serve_every_region_of_a_language() -> None:
    made = bundle()
    greeting = made.flows["line"].steps["greet"].say.variants[0].text  # type: ignore[attr-defined]
    for language, expected in (
        ("es-ES", "Hola, bienvenido."),
        ("es-MX", "Hola, bienvenido."),
        ("es", "Hola, bienvenido."),
        ("fr-FR", None),
    ):
        found = made.translate(language, greeting)
        assert (found.source if found else None) == expected


def test_exits() -> None:
    flow = bundle().flows["line"]
    assert flow.first == "greet"
    assert flow.target("adviser", "nobody") == "message"
    assert flow.target("adviser", "full") == "message"
    assert flow.target("adviser", "solved") == "survey"
    assert flow.target(flow.steps["greet"], "next") == "tell"
    assert flow.after("goodbye") is None
    assert bundle().flows["survey"].after("thanks") == RETURN
    assert {(edge.label, edge.target) for edge in flow.edges("adviser")} == {
        ("closed", "message"),
        ("no answer", "message"),
        ("", "survey"),
    }


def test_errors_stand_in_the_exception() -> None:
    compiled = compile_bundle({**FILES, "line.yaml": LINE.replace("say: Hello", "sya: Hello")}, NAMES)
    assert compiled.bundle is None
    with pytest.raises(FlowError) as raised:
        compiled.required()
    assert "unknown-kind" in str(raised.value)
    assert raised.value.problems == compiled.problems


def test_without_configuration_names_are_not_checked() -> None:
    assert compile_bundle(FILES).bundle is not None


def test_no_flow_at_all() -> None:
    assert [problem.rule for problem in compile_bundle({}).problems] == ["missing-setting"]


def test_problems_are_told_up_to_a_limit() -> None:
    text = "flow: line\nformat: 1\nsteps:\n" + "".join(f"  s{n}: {{sya: x}}\n" for n in range(400))
    assert len(compile_bundle({"line.yaml": text}).problems) == MOST_PROBLEMS


def test_translating_carries_reworded_sentences_over() -> None:
    reworded = {
        **FILES,
        "line.yaml": LINE.replace("Hello, and welcome.", "Hello, and welcome to Acme.").replace(
            "Please speak.", "Tell us everything."
        ),
    }
    compiled = compile_bundle(reworded, NAMES)
    assert coverage(compiled.flows, compiled.translations["es-ES"], "es-ES") == (4, 6)
    done = updated(compiled.flows.values(), "es-ES", compiled.translations["es-ES"])
    assert (done.kept, done.missing, done.check, done.dropped) == (
        4,
        ("Tell us everything.",),
        ("Hello, and welcome to Acme.",),
        ("Please speak.",),
    )
    again = compile_bundle({**reworded, "prompts/es-ES.yaml": done.text}, NAMES)
    assert sorted(problem.rule for problem in again.problems) == ["changed-translation", "missing-translation", "wrong-value"]
    assert '# Female voice.\n"Hello, and welcome to Acme.":' in done.text
    assert updated(again.flows.values(), "es-ES", again.translations["es-ES"]).text == done.text


def test_the_sample_line_is_sound() -> None:
    root = Path(__file__).parents[2]
    assert [str(problem) for problem in compile_folder(root / "flows").problems] == []
