"""Writes a call that was tried by hand as a flow test, so that it stays true."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ivr.flow_trials.reading import Line, Trial

MOST_HEARD = 60
"""Characters of a prompt that the written test expects: its beginning says enough and survives small rewordings."""


def written(trial: Trial, acts: Sequence[tuple[Line, Sequence[str]]], ends: str) -> str:
    """The YAML of a flow test. `acts`: what the caller did, each with what was said right before it; `ends`: the last step."""
    lines = [f"test: {_text(trial.title)}"]
    if trial.flow:
        lines.append(f"flow: {trial.flow}")
    for name, value in (("from", trial.caller), ("to", trial.to_number), ("at", trial.moment), ("language", trial.language)):
        if value:
            lines.append(f"{name}: {_text(value)}")
    lines.append("call:")
    for act, heard in acts:
        lines += [f"  - hears: {_text(text[:MOST_HEARD].strip())}" for text in heard]
        if act.verb:
            lines.append(f"  - {act.verb}{_value(act)}")
    lines.append(f"ends: {ends}")
    return "\n".join(lines) + "\n"


def _value(act: Line) -> str:
    if act.verb in ("silent", "hangs_up"):
        return ""
    if act.verb in ("waits", "records"):
        return f": {act.seconds:g}s"
    talk = f" {act.seconds:g}s" if act.verb == "queue" and act.texts[0] == "talked" else ""
    return f": {_text(act.texts[0] + talk)}"


def _text(text: str) -> str:
    """Quoted: JSON's quoting is YAML's double quotes."""
    return json.dumps(text, ensure_ascii=False)
