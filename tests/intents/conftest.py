"""The sample line's intents, trained once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ivr.intents.encoders.onnx import minilm
from ivr.intents.encoders.seam import Encoder
from ivr.intents.recogniser import Recogniser
from ivr.intents.training import train

SAMPLE = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return minilm()


@pytest.fixture(scope="session")
def sample_models(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """A models folder with the sample line's model active; copy it before changing it."""
    folder = tmp_path_factory.mktemp("intents") / "models"
    train(SAMPLE, folder, encoder=encoder)
    return folder


@pytest.fixture(scope="session")
def recogniser(sample_models: Path, encoder: Encoder) -> Recogniser:
    return Recogniser.load(sample_models, encoder)


@pytest.fixture
def house(tmp_path: Path, sample_models: Path) -> Path:
    """A data folder (`models/`) and a `config/` of one's own."""
    shutil.copytree(sample_models, tmp_path / "models")
    (tmp_path / "config").mkdir()
    for name in ("intents.yaml", "answers.yaml"):
        shutil.copy(SAMPLE / name, tmp_path / "config" / name)
    return tmp_path
