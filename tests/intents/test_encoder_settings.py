"""Which encoder the environment asks for, and what it hears where it asks for one that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import IntentError, SettingError
from ivr.intents.encoders.onnx import encoder_of
from ivr.settings import SpeechSettings, read_settings, read_speech

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("IVR_INTENT_BACKEND", "large", "embeddings or small"),
        ("IVR_INTENT_THREADS", "0", "a whole number from 1 to 64, such as 1"),
        ("IVR_INTENT_THREADS", "two", "a whole number from 1 to 64, such as 1"),
        ("IVR_EMBEDDING_MODEL", "/nowhere/at/all", "there is no such folder"),
    ],
)
def test_a_malformed_setting_stops_the_start(
    name: str, value: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SettingError) as refused:
        read_settings({"IVR_DATA_DIR": str(tmp_path), name: value})
    assert str(refused.value).startswith(f'{name} is "{value}"') and expected in str(refused.value)


def test_defaults_and_choices() -> None:
    assert read_speech({}) == SpeechSettings("embeddings", None, 1)
    assert encoder_of(read_speech({"IVR_INTENT_BACKEND": " small "})).width == 0


def test_a_folder_without_an_encoder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(IntentError, match=r"has no model\.onnx"):
        encoder_of(read_speech({"IVR_EMBEDDING_MODEL": str(tmp_path)}))
    (tmp_path / "model.onnx").write_bytes(b"no weights")
    with pytest.raises(IntentError, match=r"neither tokenizer\.json nor vocab\.txt"):
        encoder_of(SpeechSettings("embeddings", tmp_path, 1))
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nhello\n")
    with pytest.raises(IntentError, match="cannot be used as a sentence encoder"):
        encoder_of(SpeechSettings("embeddings", tmp_path, 2))
