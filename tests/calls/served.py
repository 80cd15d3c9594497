"""The flows of tests/calls as a line that can be served: folders of flows and configuration, and a number for each flow."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


@dataclass(frozen=True)
class Served:
    """`numbers` maps a flow to the number that callers dial for it."""

    flows: Path
    config: Path
    numbers: dict[str, str]


def served_in(folder: Path) -> Served:
    """Copy flows and sample configuration into `folder` and give each flow a number of its own."""
    flows, config = folder / "flows", folder / "config"
    shutil.copytree(HERE / "flows", flows)
    shutil.copytree(REPOSITORY / "config", config)
    numbers = {path.stem: f"+4420794601{index:02d}" for index, path in enumerate(sorted(flows.glob("*.yaml")))}
    lines = "".join(f'  "{number}": {{flow: {flow}, language: en-GB, title: {flow}}}\n' for flow, number in numbers.items())
    written = (config / "numbers.yaml").read_text(encoding="utf-8")
    (config / "numbers.yaml").write_text(written.replace("lines:\n", "lines:\n" + lines, 1), encoding="utf-8")
    return Served(flows, config, numbers)
