"""Versions of the model: kept, refused, activated, rolled back, retrained."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ivr.errors import IntentError
from ivr.intents.encoders.seam import Encoder, NoEncoder
from ivr.intents.fitting import NEARNESSES, fit
from ivr.intents.model import load
from ivr.intents.recogniser import Recogniser
from ivr.intents.shelf import Shelf
from ivr.intents.training import ensure_current, train

SMALL = """intents:
  buy:
    phrases:
      en: [I want to buy a hat, sell me a hat, a new hat please, can I purchase this hat, how much is the red hat]
  leave:
    phrases:
      en: [goodbye then, I have to leave now, that was all thank you, bye bye, see you tomorrow]
"""


def _add_phrase(house: Path, phrase: str) -> None:
    path = house / "config" / "intents.yaml"
    path.write_text(
        path.read_text().replace("        - when are you open\n", f"        - when are you open\n        - {phrase}\n")
    )


def test_equal_phrases_make_the_same_version_and_no_work(house: Path, encoder: Encoder) -> None:
    shelf = Shelf(house / "models")
    version = shelf.active
    assert train(house / "config", house / "models", encoder=encoder) == version
    assert ensure_current(house / "config", house / "models", encoder=encoder) is None
    assert len(shelf.versions()) == 1


def test_changed_phrases_are_trained_activated_and_rolled_back(house: Path, encoder: Encoder) -> None:
    shelf = Shelf(house / "models")
    first = shelf.active
    _add_phrase(house, "may I drop by on Sunday")
    second = ensure_current(house / "config", house / "models", encoder=encoder)
    assert second is not None and shelf.active == second != first
    assert shelf.rollback().version == first == shelf.active
    # What a person chose stays until the phrases change.
    assert ensure_current(house / "config", house / "models", encoder=encoder) is None
    with pytest.raises(IntentError, match="no earlier version"):
        shelf.rollback()


def test_training_that_fails_leaves_the_active_model_alone(house: Path, encoder: Encoder) -> None:
    before = Shelf(house / "models").active
    for text in (
        "intents: [",
        "intents: {one: {phrases: {en: [only one here]}}}",
        "intents:\n  a b: {phrases: {en: [x]}}\n",
        "a: &x 1\nb: *x\n",
    ):
        (house / "config" / "intents.yaml").write_text(text)
        with pytest.raises(IntentError):
            ensure_current(house / "config", house / "models", encoder=encoder)
        assert Shelf(house / "models").active == before


@pytest.mark.parametrize("harm", ["bytes", "missing", "foreign", "pickle", "version", "moved", "shapes"])
def test_a_broken_or_foreign_model_is_refused_and_the_old_one_kept(house: Path, harm: str) -> None:
    shelf = Shelf(house / "models")
    good = shelf.active
    assert good is not None
    bad = shelf.folder / "0123456789ab"
    shutil.copytree(shelf.folder / good, bad)
    manifest = json.loads((bad / "manifest.json").read_text())
    if harm != "moved":
        manifest["version"] = bad.name
    if harm == "bytes":
        content = bytearray((bad / "en.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (bad / "en.npz").write_bytes(content)
    elif harm == "missing":
        (bad / "en.json").unlink()
    elif harm == "foreign":
        manifest = {"architecture": "something else"}
    elif harm in ("pickle", "shapes"):
        import hashlib

        array = np.array([{"code": "object"}], dtype=object) if harm == "pickle" else np.zeros(3)
        np.savez(
            bad / "en.npz",
            lexical=array,
            meaning=array,
            bias=array,
            phrases=array,
            owners=array,
            term_weights=array,
            counterexamples=array,
        )
        manifest["sha256"]["en.npz"] = hashlib.sha256((bad / "en.npz").read_bytes()).hexdigest()
    elif harm == "version":
        manifest["format"] = 999
    (bad / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(IntentError):
        shelf.activate(bad.name)
    assert shelf.active == good
    load(shelf.folder / good)


def test_how_much_the_nearest_phrase_counts_is_told_by_the_phrases_themselves() -> None:
    """Two intents whose examples lie in far corners: no plane parts them, the nearest phrase does."""
    random = np.random.default_rng(5)
    corners = np.eye(4, dtype=np.float32)[[0, 1, 2, 3]]
    # Each intent owns two opposite corners of a square (exclusive or).
    square = np.stack([corners[0] + corners[2], corners[1] + corners[3], corners[0] + corners[3], corners[1] + corners[2]])
    rows = np.repeat(square, 10, axis=0) + random.normal(0, 0.15, (40, 4)).astype(np.float32)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    labels = ["one"] * 20 + ["other"] * 20
    parted = fit(["same words"] * 40, labels, vectors).head
    assert parted.nearness == max(NEARNESSES)
    assert (parted.raw(["same words"] * 40, vectors).argmax(axis=1) == np.repeat([0, 1], 20)).mean() > 0.95
    plain = fit(["same words"] * 20, ["one"] * 10 + ["other"] * 10, np.concatenate([vectors[:10], vectors[10:20]])).head
    assert plain.nearness == min(NEARNESSES)


def test_a_pointer_to_nowhere_and_an_empty_shelf_say_what_to_do(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(IntentError, match="run `ivr intents train`"):
        Recogniser.load(tmp_path, encoder)
    (tmp_path / "active").write_text("../../etc/passwd\n")
    with pytest.raises(IntentError, match="no intent model is active"):
        Recogniser.load(tmp_path, encoder)


def test_a_model_of_another_encoder_is_refused(sample_models: Path) -> None:
    with pytest.raises(IntentError, match="trained with encoder minilm"):
        Recogniser.load(sample_models, NoEncoder())


def test_the_small_backend_needs_no_embeddings(tmp_path: Path) -> None:
    (tmp_path / "intents.yaml").write_text(SMALL)
    version = train(tmp_path, tmp_path / "models", encoder=NoEncoder())
    understood = Recogniser.load(tmp_path / "models", NoEncoder()).understand("I'd like to buy the red hat", "en")
    assert re.fullmatch("[0-9a-f]{12}", version)
    assert understood.best is not None and understood.best.intent == "buy"


def test_another_language_is_a_folder_of_the_house(tmp_path: Path, encoder: Encoder) -> None:
    words = tmp_path / "languages" / "fr"
    words.mkdir(parents=True)
    (words / "words.yaml").write_text(
        "fillers: [euh]\nnumbers: {zéro: 0, un: 1, deux: 2, trois: 3, vingt: 20}\nyes: [oui, bien sûr]\nno: [non, pas du tout]\n"
    )
    (words / "gloss.yaml").write_text("gloss: {bonjour: hello, chapeau: hat, ach*: buy, revoir: goodbye, partir: leave}\n")
    (tmp_path / "intents.yaml").write_text(
        SMALL.replace(
            "    phrases:\n      en: [I want",
            "    phrases:\n      fr: [je voudrais acheter un chapeau, achat d'un chapeau, un chapeau s'il vous plaît]\n      en: [I want",
            1,
        ).replace("      en: [goodbye", "      fr: [au revoir, je dois partir, c'est tout merci]\n      en: [goodbye")
    )
    train(tmp_path, tmp_path / "models", encoder=encoder)
    understood = Recogniser.load(tmp_path / "models", encoder).understand("euh bonjour je veux acheter ce chapeau", "fr-FR")
    assert understood.best is not None and understood.best.intent == "buy"
    from ivr.intents.slots import read_slot

    said_yes = read_slot("yes_no", "euh oui bien sûr", "fr", house=tmp_path)
    digits = read_slot("digits", "vingt trois deux zéro", "fr-FR", house=tmp_path)
    assert said_yes is not None and said_yes.value is True
    assert digits is not None and digits.value == "2320"
