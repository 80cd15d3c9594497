"""A trained model as a folder: plain numbers and text with checksums, never a pickle, so that a foreign file can do no harm.

manifest.json   what it is: format, version, encoder, fingerprint of the phrases, figures, sha256 of the other files
en.npz          weights and phrase embeddings of the English head; one such file per language
en.json         its intents, terms, phrases, words and thresholds
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ivr.errors import IntentError
from ivr.intents.head import Head
from ivr.intents.lexical import Vocabulary
from ivr.intents.words import Words

FORMAT = 3
_ARRAYS = ("lexical", "meaning", "bias", "phrases", "owners", "term_weights", "counterexamples")


@dataclass(frozen=True)
class LanguageModel:
    """One language's head with the phrases it learnt (in the order of `head.phrases`) and the words it was normalised with."""

    head: Head
    texts: tuple[str, ...]
    words: Words


@dataclass(frozen=True)
class Model:
    """Everything needed to understand sentences, apart from the encoder named here."""

    version: str
    encoder: str
    fingerprint: str
    languages: Mapping[str, LanguageModel]
    titles: Mapping[str, str]
    figures: Mapping[str, Any] = field(default_factory=dict)
    trained_at: str = ""

    @property
    def default_language(self) -> str:
        return next(iter(self.languages))


def version_of(fingerprint: str, encoder: str, recipe: str) -> str:
    """Equal phrases, encoder and recipe give an equal version: 12 hex digits."""
    return hashlib.sha256(f"{FORMAT}\0{fingerprint}\0{encoder}\0{recipe}".encode()).hexdigest()[:12]


def save(model: Model, folder: Path) -> Path:
    """Write `folder/version` so that it is there whole or not at all; an equal one that is there already stays."""
    target = folder / model.version
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    try:
        for name, part in model.languages.items():
            head = part.head
            np.savez(
                draft / f"{name}.npz",
                lexical=head.lexical,
                meaning=head.meaning,
                bias=head.bias,
                phrases=head.phrases,
                owners=head.owners,
                term_weights=head.vocabulary.weights,
                counterexamples=head.counterexamples,
            )
            plain = {
                "intents": head.intents,
                "terms": list(head.vocabulary.terms),
                "temperature": head.temperature,
                "scope": head.scope,
                "threshold": head.threshold,
                "nearness": head.nearness,
                "texts": part.texts,
                "words": part.words.tables,
            }
            (draft / f"{name}.json").write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "version": model.version,
            "encoder": model.encoder,
            "fingerprint": model.fingerprint,
            "languages": list(model.languages),
            "titles": dict(model.titles),
            "figures": dict(model.figures),
            "trained_at": model.trained_at,
            "sha256": {path.name: _sha256(path) for path in sorted(draft.iterdir())},
        }
        (draft / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    except OSError as error:
        raise IntentError(f"the model cannot be written to {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the model in `folder`. Raises IntentError with the reason for anything that is not one of ours."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntentError(f"{path} is not a model's manifest: {str(error)[:120]}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise IntentError(f"{path} has another format than {FORMAT}; train again with this program")
    if manifest.get("version") != folder.name:
        raise IntentError(
            f"{path} says version {manifest.get('version')!r} but its folder is {folder.name}; it was moved or changed"
        )
    return manifest


def load(folder: Path) -> Model:
    """The model in `folder`, checked against its checksums. Raises IntentError and changes nothing where it is broken or foreign."""
    manifest = read_manifest(folder)
    sums = manifest.get("sha256")
    names = manifest.get("languages")
    if not isinstance(sums, dict) or not isinstance(names, list) or not names:
        raise IntentError(f"{folder}/manifest.json lacks its checksums or languages")
    languages: dict[str, LanguageModel] = {}
    for name in names:
        if not isinstance(name, str) or not name.isalpha():
            raise IntentError(f"{folder}/manifest.json names a language {name!r}")
        for file in (f"{name}.npz", f"{name}.json"):
            path = folder / file
            if not path.is_file() or _sha256(path) != sums.get(file):
                raise IntentError(f"{path} is missing or not the file that was trained; train again or activate another version")
        try:
            languages[name] = _load_language(folder, name)
        except (ValueError, KeyError, TypeError, IndexError, OSError, zipfile.BadZipFile) as error:
            raise IntentError(f"the {name} part of {folder} cannot be read: {str(error)[:120]}") from error
    return Model(
        version=folder.name,
        encoder=str(manifest["encoder"]),
        fingerprint=str(manifest["fingerprint"]),
        languages=languages,
        titles=manifest.get("titles") or {},
        figures=manifest.get("figures") or {},
        trained_at=str(manifest.get("trained_at", "")),
    )


def _load_language(folder: Path, name: str) -> LanguageModel:
    plain = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"{name}.npz", allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in _ARRAYS}
    intents = tuple(plain["intents"])
    terms = plain["terms"]
    texts = tuple(plain["texts"])
    scope = tuple(float(value) for value in plain["scope"])
    if (
        arrays["lexical"].shape != (len(terms), len(intents))
        or arrays["meaning"].shape[1:] != (len(intents),)
        or arrays["bias"].shape != (len(intents),)
        or arrays["phrases"].shape != (len(texts), arrays["meaning"].shape[0])
        or arrays["term_weights"].shape != (len(terms),)
        or arrays["owners"].shape != (len(texts),)
        or arrays["counterexamples"].shape[1:] != (arrays["meaning"].shape[0],)
        or len(scope) != 6
    ):
        raise ValueError("its parts do not fit together")
    head = Head(
        intents=intents,
        vocabulary=Vocabulary({term: column for column, term in enumerate(terms)}, arrays["term_weights"]),
        lexical=arrays["lexical"],
        meaning=arrays["meaning"],
        bias=arrays["bias"],
        temperature=float(plain["temperature"]),
        phrases=arrays["phrases"],
        owners=arrays["owners"],
        counterexamples=arrays["counterexamples"],
        scope=scope,
        threshold=float(plain["threshold"]),
        nearness=float(plain["nearness"]),
    )
    return LanguageModel(head, texts, Words(name, plain["words"]))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
