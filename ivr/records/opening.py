"""Opening the store as config/ wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ivr.records.report_file import load_reports
from ivr.records.store import Store


def open_store(url: str, config_dir: Path, *, teams: Mapping[str, str] | None = None) -> Store:
    """A store whose records follow config/reports.yaml. `teams`: agent -> team now. Raises RecordError for a file with problems."""
    found = load_reports(config_dir)
    return Store(
        url,
        rules=replace(found.rules, teams=dict(teams or {})),
        subscriptions=found.subscriptions,
        retention=found.retention,
        text_survey=found.text_survey,
    )
