"""Repeats the published comparisons of intent recognition: the table of docs/intents.md.

    python benchmarks/intents.py --datasets ../shared/datasets            # everything
    python benchmarks/intents.py --datasets DIR --only few flows          # parts: few, full, flows, unseen, cost

DIR holds banking77/ and clinc150/ with CSV files of header text,intent (train, test, train_5, train_10; clinc150 also val, oos_test, oos_val and
domains.json). Prints JSON lines with versions and seeds. One set of settings for every data set.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ivr.intents import figures
from ivr.intents.encoders.onnx import default_encoder
from ivr.intents.encoders.seam import Encoder
from ivr.intents.evaluation import judge, surroundings, try_out
from ivr.intents.phrasebook import Phrase, read_csv
from ivr.intents.training import PhraseCache, learn
from ivr.intents.words import words_of

# Held apart from the product: numbers quoted from papers, for people who read the output.
PUBLISHED = {
    ("banking77", "5"): "CPFT 80.86, USE+ConveRT 77.75",
    ("banking77", "10"): "CPFT 87.20, USE+ConveRT 85.19",
    ("banking77", "full"): "ModernBERT-base tuned 93.99, BERT-large 93.66",
    ("clinc150", "5"): "CPFT 92.34, USE+ConveRT 90.49",
    ("clinc150", "10"): "CPFT 94.18, USE+ConveRT 93.26",
    ("clinc150", "full"): "BERT 96.2",
}


PARTS = ("cost", "few", "flows", "unseen", "full")


def tell(what: str, **found: Any) -> None:
    """One line of JSON."""
    print(
        json.dumps(
            {"what": what, **{name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}}
        ),
        flush=True,
    )


def one(folder: Path, name: str, shots: str, encoder: Encoder) -> None:
    train = read_csv(folder / name / ("train.csv" if shots == "full" else f"train_{shots}.csv"))
    test = read_csv(folder / name / "test.csv")
    outside = read_csv(folder / "clinc150" / "oos_test.csv")
    trial = try_out(train, test, outside, encoder)
    table, apart = trial.table, trial.table["out_of_scope"]
    tell(
        f"{name} {shots}",
        accuracy=table["accuracy"],
        ece=table["ece"],
        top_3=table["top_3"],
        accuracy_with_noise=table["accuracy_with_noise"],
        auroc=apart["auroc"],
        oos_recall=apart["recall"],
        in_scope_rejected=apart["in_scope_rejected"],
        latency_p50_ms=table["latency_ms"]["p50"],
        latency_p99_ms=table["latency_ms"]["p99"],
        latency_cpu_p50_ms=table["latency_ms"]["cpu_p50"],
        latency_cpu_p99_ms=table["latency_ms"]["cpu_p99"],
        training_seconds=table["training_seconds"],
        training_cpu_seconds=table["training_cpu_seconds"],
        published=PUBLISHED[name, shots],
    )
    if name == "clinc150" and shots == "full":
        larson(folder, trial.part, trial.judged, encoder, outside)


def larson(folder: Path, part: Any, judged: figures.Judged, encoder: Encoder, outside: list[Phrase]) -> None:
    """Larson et al. 2019: the threshold that is most often right on the validation sets, oos_val among them."""
    inside = judge(part, read_csv(folder / "clinc150" / "val.csv"), encoder)
    beyond = judge(part, read_csv(folder / "clinc150" / "oos_val.csv"), encoder).in_scope
    thresholds = np.unique(np.concatenate([inside.in_scope, beyond]))
    right = [int((inside.correct & (inside.in_scope >= t)).sum()) + int((beyond < t).sum()) for t in thresholds]
    best = thresholds[int(np.argmax(right))]
    far = judge(part, outside, encoder).in_scope
    tell(
        "clinc150 full, Larson's rule",
        in_scope=float((judged.correct & (judged.in_scope >= best)).mean()),
        oos_recall=float((far < best).mean()),
        published="BERT 96.2 / 52.3",
    )


def flows(folder: Path, cache: PhraseCache, phrases: int) -> None:
    """Ten intents of one CLINC domain each time: far (any topic) and near (the domain's other intents) out-of-scope speech."""
    domains = json.loads((folder / "clinc150" / "domains.json").read_text())
    train, test = read_csv(folder / "clinc150" / "train.csv"), read_csv(folder / "clinc150" / "test.csv")
    outside = read_csv(folder / "clinc150" / "oos_test.csv")
    rows: dict[str, list[float]] = {"accuracy": [], "in_scope_rejected": [], "far_recall": [], "near_recall": [], "ece": []}
    for seed, (_, intents) in enumerate(sorted(domains.items())):
        random = np.random.default_rng(seed)
        mixed = list(random.permutation(sorted(intents)))
        chosen, others = set(mixed[:10]), set(mixed[10:])
        drawn: list[Phrase] = []
        for intent in sorted(chosen):
            mine = [phrase for phrase in train if phrase.intent == intent]
            drawn += [mine[place] for place in random.permutation(len(mine))[:phrases]]
        part = learn(drawn, (), words_of("en"), cache)
        judged = judge(part, [phrase for phrase in test if phrase.intent in chosen], cache)
        far = judge(part, outside, cache).in_scope
        near = judge(part, [phrase for phrase in test if phrase.intent in others], cache).in_scope
        rows["accuracy"].append(figures.accuracy(judged))
        rows["ece"].append(figures.expected_calibration_error(judged))
        rows["in_scope_rejected"].append(float((judged.in_scope < judged.threshold).mean()))
        rows["far_recall"].append(float((far < judged.threshold).mean()))
        rows["near_recall"].append(float((near < judged.threshold).mean()))
    tell(
        f"10 intents x {phrases} phrases, mean of {len(domains)} domains",
        **{name: float(np.mean(values)) for name, values in rows.items()},
    )


def unseen(folder: Path, cache: PhraseCache) -> None:
    """Ten-intent flows drawn from training files alone, no test file read: where the share of phrases turned down can be chosen.

    In scope: phrases of the ten intents that were not drawn; near: the other intents of the domain (of BANKING77: all others); far: CLINC150's
    out-of-scope training and validation sentences. Figures are those at the product's own threshold, and the AUROC beside them.
    """
    domains = json.loads((folder / "clinc150" / "domains.json").read_text())
    far = [*read_csv(folder / "clinc150" / "oos_val.csv"), *read_csv(folder / "clinc150" / "oos_train.csv")]
    for name in ("clinc150", "banking77"):
        by_intent: dict[str, list[Phrase]] = {}
        for phrase in read_csv(folder / name / "train.csv"):
            by_intent.setdefault(phrase.intent or "", []).append(phrase)
        groups = sorted(sorted(intents) for intents in domains.values()) if name == "clinc150" else [sorted(by_intent)] * 10
        for phrases in (5, 10, 20):
            rows: list[tuple[float, ...]] = []
            for seed, group in enumerate(groups):
                random = np.random.default_rng(1000 + seed)
                mixed = [str(intent) for intent in random.permutation(group)]
                drawn: list[Phrase] = []
                held: list[Phrase] = []
                for intent in sorted(mixed[:10]):
                    mine = [by_intent[intent][place] for place in random.permutation(len(by_intent[intent]))]
                    drawn, held = [*drawn, *mine[:phrases]], [*held, *mine[phrases : phrases + 30]]
                part = learn(drawn, (), words_of("en"), cache)
                judged = judge(part, held, cache)
                beyond = judge(part, far, cache).in_scope
                near = judge(part, [phrase for intent in mixed[10:] for phrase in by_intent[intent][:15]], cache).in_scope
                told = [float((scores < judged.threshold).mean()) for scores in (judged.in_scope, beyond, near)]
                rows.append((figures.accuracy(judged), *told, figures.auroc(judged.in_scope, near)))
            names = ("accuracy", "in_scope_rejected", "far_recall", "near_recall", "near_auroc")
            means = [float(value) for value in np.mean(rows, axis=0)]
            tell(f"{name}, training file only, 10 intents x {phrases}", **dict(zip(names, means, strict=True)))


def cost(folder: Path, encoder: Encoder) -> None:
    """Seconds to train 30 intents of 15 phrases, and again after one more intent."""
    train = read_csv(folder / "clinc150" / "train.csv")
    names = sorted({phrase.intent or "" for phrase in train})[:31]
    chosen = [phrase for name in names for phrase in [p for p in train if p.intent == name][:15]]
    cache = PhraseCache(encoder, None)
    before = [phrase for phrase in chosen if phrase.intent != names[-1]]
    started = time.perf_counter()
    learn(before, (), words_of("en"), cache)
    first = time.perf_counter() - started
    started, working = time.perf_counter(), time.process_time()
    learn(chosen, (), words_of("en"), cache)
    more, working = time.perf_counter() - started, time.process_time() - working
    tell("training 30 x 15", first_seconds=first, one_more_intent_seconds=more, one_more_intent_cpu_seconds=working)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    encoder = default_encoder()
    tell("with", encoder=encoder.name, seed=0, **surroundings())
    for part in asked.only:
        if part == "cost":
            cost(asked.datasets, encoder)
        elif part == "unseen":
            unseen(asked.datasets, PhraseCache(encoder, None))
        elif part == "flows":
            cache = PhraseCache(encoder, None)
            for phrases in (10, 5, 20):
                flows(asked.datasets, cache, phrases)
        else:
            for name in ("banking77", "clinc150"):
                for shots in ("5", "10") if part == "few" else ("full",):
                    one(asked.datasets, name, shots, encoder)


if __name__ == "__main__":
    main()
