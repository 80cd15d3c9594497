"""Time to lint an invented flow of 200 steps in two languages, cold and warm, and one with a mistake in every tenth step.

    python benchmarks/lint.py [--steps 200] [--runs 20] [--seed 7] [--json]

Cold is the whole command `ivr flows lint` in a process of its own; warm is `compile_bundle` alone, as the console and publishing call it.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ivr.steps  # registers every kind of step
from ivr.language.bundle import Compiled, compile_bundle

assert ivr.steps is not None


def invented(steps: int, chance: random.Random, mistakes: bool) -> dict[str, str]:
    """A flow of `steps` steps (menus, questions, look-ups, decisions, queues, sentences) with its Spanish translation."""
    lines = [
        "flow: invented",
        "format: 1",
        "title: Invented line",
        "languages: [en-GB, es-ES]",
        "facts: [customer, order]",
        "steps:",
    ]
    sentences: list[str] = []

    def said(text: str) -> str:
        sentences.append(text)
        return f'"{text}"'

    for number in range(steps - 2):
        name, below = f"step_{number}", f"step_{number + 1}" if number < steps - 3 else "message"
        ahead = f"step_{min(steps - 3, number + chance.randint(1, 9))}" if number < steps - 3 else "message"
        wrong = mistakes and number % 10 == 5
        lines.append(f"  {name}:")
        kind = number % 6
        if kind == 0:
            lines += [f"    menu: {said(f'What can I do for you at place {number}?')}", "    options:"]
            for key in range(1, 5):
                text = said(f"For choice {number} {key}, press {key}.")
                lines.append(f"      - {{key: {key}, intent: intent_{key}, text: {text}, go: {ahead if key % 2 else below}}}")
            lines += [
                f"    reprompts: [{said(f'Please choose at place {number}.')}]",
                f"    give_up: {'nowhere' if wrong else below}",
            ]
        elif kind == 1:
            lines += [
                f"    ask: {said(f'Your number at place {number}, please.')}",
                f"    as: {'digit' if wrong else 'digits'}",
                "    length: 8",
            ]
            lines += [
                f"    save: order.number_{number}",
                f"    reprompts: [{said(f'Once more at place {number}, please.')}]",
                f"    give_up: {below}",
            ]
        elif kind == 2:
            lines += ["    lookup: order_status", f"    with: {{number: order.number_{number - 1}}}", "    save: order"]
            lines += [f"    not_found: {below}", f"    failed: {below}"]
        elif kind == 3:
            lines += [
                "    decide:",
                f'      - {{when: order.status {"=" if wrong else "=="} "late" and customer.known, go: {ahead}}}',
                f"      - {{go: {below}}}",
            ]
        elif kind == 4:
            lines += [
                "    say:",
                "      - when: order.known",
                f"        text: {said(f'Order {{{{ order.status }}}} at place {number}.')}",
            ]
            lines += [f"      - text: {said(f'There is nothing new at place {number}.')}", f"    next: {below}"]
        else:
            lines += [
                "    queue: general",
                "    needs: {english: 1}",
                f"    closed: {below}",
                f"    no_answer: {below}",
                f"    next: {below}",
            ]
            lines += ["    longest_wiat: 3m"] if wrong else []
    lines += ["  message:", f"    voicemail: {said('Please leave a message.')}", "  goodbye:", f"    hangup: {said('Goodbye.')}"]
    translation = "\n".join(f'"{text}": "ES {text}"' for text in dict.fromkeys(sentences))
    return {"invented.yaml": "\n".join(lines) + "\n", "prompts/es-ES.yaml": translation + "\n"}


def warm(files: dict[str, str], runs: int) -> tuple[Compiled, list[float]]:
    """The last result and the seconds of each run."""
    taken: list[float] = []
    compiled = compile_bundle(files)
    for _ in range(runs):
        started = time.perf_counter()
        compiled = compile_bundle(files)
        taken.append(time.perf_counter() - started)
    return compiled, taken


def cold(files: dict[str, str]) -> float:
    """Seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = Path(folder) / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "ivr.cli", "flows", "lint", folder, "--config", str(Path(folder) / "none")],
            check=False,
            capture_output=True,
        )
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, object] = {
        "machine": f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}",
        "seed": options.seed,
        "steps": options.steps,
    }
    for name, mistakes in (("sound", False), ("broken", True)):
        files = invented(options.steps, random.Random(options.seed), mistakes)
        compiled, taken = warm(files, options.runs)
        figures[name] = {
            "lines": sum(text.count("\n") for text in files.values()),
            "problems": len(compiled.problems),
            "warm_ms_median": round(statistics.median(taken) * 1000, 1),
            "warm_ms_worst": round(max(taken) * 1000, 1),
            "command_ms": round(cold(files) * 1000, 1),
        }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
