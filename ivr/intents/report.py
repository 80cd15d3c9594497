"""What `ivr intents evaluate` prints: figures of files or of the configured intents, as plain JSON and as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ivr.intents import figures
from ivr.intents.encoders.seam import Encoder
from ivr.intents.evaluation import Trial, cross_validated, draw, latency, surroundings, try_out
from ivr.intents.phrasebook import read_csv, read_phrasebook
from ivr.intents.training import BORROWED_FROM, PhraseCache, learn
from ivr.intents.words import primary, words_of

MEANS = ("accuracy", "macro_f1", "top_3", "ece", "accuracy_with_noise", "training_seconds")


def report_on_files(
    train_file: Path,
    test_file: Path,
    outside_file: Path | None,
    encoder: Encoder,
    shots: int | None = None,
    seeds: int = 1,
    language: str = "en",
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Figures as fractions: means over the draws, each draw apart under `draws`; tables and latency are the first draw's."""
    spoken = primary(language)
    train, test = read_csv(train_file, spoken), read_csv(test_file, spoken)
    outside = read_csv(outside_file, spoken) if outside_file else []
    trials: list[Trial] = []
    for seed in range(seeds if shots else 1):
        chosen = draw(train, shots, seed) if shots else train
        trials.append(try_out(chosen, test, outside, encoder, seed=seed, timed=not trials))
        tick()
    first = trials[0]
    report: dict[str, Any] = {**first.table, **{name: float(np.mean([trial.table[name] for trial in trials])) for name in MEANS}}
    if outside:
        rows = [trial.table["out_of_scope"] for trial in trials]
        report["out_of_scope"] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        report["oos_auroc"], report["oos_recall"] = report["out_of_scope"]["auroc"], report["out_of_scope"]["recall"]
        report["in_scope_rejected"] = report["out_of_scope"]["in_scope_rejected"]
    report["latency_p50_ms"], report["latency_p99_ms"] = report["latency_ms"]["p50"], report["latency_ms"]["p99"]
    report["shots"] = shots
    report["seeds"] = list(range(len(trials)))
    report["draws"] = [{name: trial.table[name] for name in (*MEANS, "seed")} for trial in trials]
    return {**report, **_tables(first.judged), "encoder": encoder.name, **surroundings()}


def report_on_configuration(config_folder: Path, language: str, encoder: Encoder) -> dict[str, Any]:
    """The configured intents of one language, each phrase judged by a model that never saw it."""
    import time

    book, _ = read_phrasebook(config_folder)
    spoken = primary(language)
    judged, rows = cross_validated(book, spoken, config_folder, encoder)
    started = time.perf_counter()
    part = learn(
        book.of(spoken),
        book.negatives(spoken),
        words_of(spoken, config_folder),
        PhraseCache(encoder, None),
        book.of(BORROWED_FROM),
    )
    seconds = time.perf_counter() - started
    timing = latency(part, rows, encoder)
    tested = [row["f1"] for row in figures.per_intent(judged).values() if row["count"]]
    return {
        "language": spoken,
        "test_count": len(rows),
        "intent_count": len(book.intents),
        "accuracy": figures.accuracy(judged),
        "macro_f1": float(np.mean(tested)),
        "top_3": figures.top(judged, 3),
        "ece": figures.expected_calibration_error(judged),
        "in_scope_rejected": float((judged.in_scope < judged.threshold).mean()),
        "bands": figures.bands(judged),
        "training_seconds": seconds,
        "latency_ms": timing,
        "latency_p50_ms": timing["p50"],
        "latency_p99_ms": timing["p99"],
        "configured_bands": book.bands,
        **_tables(judged),
        "encoder": encoder.name,
        **surroundings(),
    }


def _tables(judged: figures.Judged) -> dict[str, Any]:
    return {"per_intent": figures.per_intent(judged), "confusions": figures.confusions(judged)}


def shown(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    lines = [
        f"{report['intent_count']} intents, {report['test_count']} sentences, encoder {report['encoder']}",
        f"accuracy {report['accuracy']:.1%}, macro F1 {report['macro_f1']:.1%}, among the best three {report['top_3']:.1%}",
        f"calibration error {report['ece']:.1%}; latency p50 {report['latency_p50_ms']:.1f} ms, p99 {report['latency_p99_ms']:.1f} ms; "
        f"trained in {report['training_seconds']:.1f} s",
    ]
    if "accuracy_with_noise" in report:
        lines.append(f"accuracy with telephone noise {report['accuracy_with_noise']:.1%}")
    if "out_of_scope" in report:
        row = report["out_of_scope"]
        lines.append(
            f"out of scope: AUROC {row['auroc']:.1%}, recall {row['recall']:.1%} while {row['in_scope_rejected']:.1%} of in-scope speech is rejected"
        )
    bands = report["bands"]
    lines.append(
        f"bands of least cost: sure_at {bands['sure_at']}, confirm_below {bands['confirm_below']} (costs {bands['costs']})"
    )
    for name in ("accept", "confirm", "ask_again"):
        lines.append(f"    {name}: {bands[name]['coverage']:.1%} of sentences, {bands[name]['error']:.1%} of them wrong")
    lines.append("intent: precision, recall, F1, sentences")
    for name, row in sorted(report["per_intent"].items(), key=lambda item: item[1]["f1"]):
        lines.append(f"    {name}: {row['precision']:.0%} {row['recall']:.0%} {row['f1']:.0%} {row['count']:.0f}")
    for row in report["confusions"][:10]:
        lines.append(f"    {row['said']} taken for {row['taken_for']}: {row['count']}")
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines.append(
        f"seed {report.get('seeds', [0])}; Python {report['python']}, {report['machine']}, {report['cpus']} CPUs; {versions}"
    )
    return "\n".join(lines)
