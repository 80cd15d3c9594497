"""What the sample line understands of sentences that nobody wrote into it."""

from __future__ import annotations

import os
import threading
import time

import pytest

from ivr.intents.recogniser import Recogniser

NEVER_WRITTEN = [
    ("order_status", "uh where's the stuff I bought last week"),
    ("order_status", "hello I'm calling about a parcel that never came"),
    ("order_status", "any news on my shipment"),
    ("pay_bill", "I wanna pay what's on my account"),
    ("pay_bill", "let me give you my card details to settle the invoice"),
    ("technical_problem", "my oven is making a funny smell"),
    ("technical_problem", "the washing machine won't start any more"),
    ("technical_problem", "the tablet freezes all the time"),
    ("speak_to_someone", "can you give me a supervisor"),
    ("speak_to_someone", "just let me speak with a human being"),
    ("refund", "I want to send these shoes back"),
    ("refund", "it's too small can I give it back and get my money"),
    ("change_address", "send it to my sister's place instead"),
    ("change_address", "we moved to a new flat in leeds"),
    ("opening_hours", "do you work on saturdays"),
    ("opening_hours", "until when can I come by tonight"),
    ("cancel_order", "please don't ship the lamp I don't want it any more"),
    ("complaint", "your delivery guy shouted at me"),
    ("billing_question", "you've taken forty pounds out of my account that I don't know about"),
    ("billing_question", "my invoice shows an amount that I never agreed to"),
]
EN_ESPANOL = [
    ("order_status", "oiga dónde está lo que pedí la semana pasada"),
    ("pay_bill", "puedo abonar el recibo ahora"),
    ("technical_problem", "mi lavadora no arranca"),
    ("speak_to_someone", "necesito que me atienda un humano"),
    ("refund", "quiero devolver estos zapatos"),
    ("opening_hours", "abren en agosto"),
    ("cancel_order", "anulen la compra de ayer por favor"),
    ("complaint", "su empleado me gritó"),
    ("billing_question", "la factura es más cara que el mes pasado"),
]
FOR_NOBODY_HERE = [
    "what's the capital of france",
    "who won the football",
    "hello can you hear me",
    "I want to book a table for two",
    "tell me a joke",
]


@pytest.mark.parametrize(("language", "sentences", "right"), [("en-GB", NEVER_WRITTEN, 18), ("es-ES", EN_ESPANOL, 8)])
def test_new_phrasings_are_understood(
    recogniser: Recogniser, language: str, sentences: list[tuple[str, str]], right: int
) -> None:
    missed = []
    for intent, text in sentences:
        understood = recogniser.understand(text, language)
        if understood.out_of_scope or understood.best is None or understood.best.intent != intent:
            missed.append((intent, text, understood.best, understood.out_of_scope))
    assert len(sentences) - len(missed) >= right, missed


@pytest.mark.parametrize("text", FOR_NOBODY_HERE)
def test_it_knows_that_it_does_not_know(recogniser: Recogniser, text: str) -> None:
    assert recogniser.understand(text, "en").out_of_scope


def test_candidates_are_probabilities_best_first_and_name_the_model(recogniser: Recogniser) -> None:
    understood = recogniser.understand("where is my order", "en-GB")
    shares = [candidate.confidence for candidate in understood.candidates]
    assert shares == sorted(shares, reverse=True)
    assert 0.9 < sum(shares) <= 1.001
    assert understood.model == recogniser.version


def test_intent_and_values_in_one_sentence(recogniser: Recogniser) -> None:
    understood = recogniser.understand("where is my order four five double six seven eight", "en-GB")
    assert understood.best is not None and understood.best.intent == "order_status"
    assert [(slot.kind, slot.value) for slot in understood.slots] == [("digits", "456678")]


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("can you cancel my order and tell me when you're open on sunday", "en", ["cancel_order", "opening_hours"]),
        ("I want to pay my bill and also change my address", "en", ["pay_bill", "change_address"]),
        ("quiero pagar mi factura y también cambiar mi dirección", "es", ["pay_bill", "change_address"]),
        ("where's my parcel 4 5 double six, and also I wanna change my address", "en", ["order_status", "change_address"]),
        ("I'd like to send it back because it is too small", "en", ["refund"]),
    ],
)
def test_two_wishes_are_both_kept(recogniser: Recogniser, text: str, language: str, wanted: list[str]) -> None:
    understood = recogniser.understand(text, language)
    assert understood.best is not None
    assert [understood.best.intent, *(other.intent for other in understood.also)] == wanted


def test_a_menu_that_does_not_offer_what_is_meant(recogniser: Recogniser) -> None:
    elsewhere = recogniser.understand("I want to cancel my order", "en", ("opening_hours", "pay_bill"))
    assert elsewhere.out_of_scope
    assert {candidate.intent for candidate in elsewhere.candidates} == {"opening_hours", "pay_bill"}
    offered = recogniser.understand("what do I owe you", "en", ("pay_bill", "technical_problem"))
    assert offered.best is not None and offered.best.intent == "pay_bill"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "?",
        "🎉🎉🎉",
        "\x00\x01\x1b[31m",
        "x" * 10_000,
        "where is my order " * 800,
        "мой заказ",
        "我的订单在哪里",
        "\ud800",
        "'" * 500,
        "nine " * 2000,
    ],
)
def test_any_text_gets_an_answer_in_bounded_time(recogniser: Recogniser, text: str) -> None:
    for language in ("en-GB", "es-ES", "fr", "", "xx-!!"):
        started = time.process_time()
        understood = recogniser.understand(text, language)
        assert time.process_time() - started < 4.0
        assert understood.model == recogniser.version


def test_threads_share_one_recogniser(recogniser: Recogniser) -> None:
    alone = recogniser.understand("my parcel never came", "en")
    heard = []
    threads = [
        threading.Thread(target=lambda: heard.append(recogniser.understand("my parcel never came", "en"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [alone] * 8


def test_a_forked_process_goes_on_with_what_its_parent_loaded(recogniser: Recogniser) -> None:
    wanted = recogniser.understand("when are you open", "en").candidates
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        same = recogniser.understand("when are you open", "en").candidates == wanted
        os.write(writer, b"y" if same else b"n")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read(1) == b"y"
    os.waitpid(child, 0)
