"""CSV files as a source: read whole, kept in memory, read again when the file changes."""

from __future__ import annotations

import csv
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ivr.connectors.asking import Row, SourceFailed
from ivr.connectors.fields import read_field

MOST_BYTES = 64 * 1024 * 1024
Key = tuple[str, ...]


@dataclass
class CsvTable:
    """Rows of `path` by the columns searched. `find_columns` maps an argument to its column; of several rows the `latest` wins."""

    path: Path
    find_columns: Mapping[str, str]
    latest: str | None = None
    latest_kind: str = "text"
    _read_at: tuple[int, int] = (0, 0)
    _rows: dict[Key, list[dict[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, arguments: Mapping[str, str], within_seconds: float, now: datetime) -> Row | None:
        """The row whose columns equal the arguments; the time limit is not needed for a file read before."""
        key = tuple(arguments[name] for name in self.find_columns)
        rows = self._current().get(key)
        if not rows:
            return None
        if self.latest is None:
            return rows[0]
        column, today = self.latest, now.date()
        return max(rows, key=lambda row: str(read_field(self.latest_kind, row.get(column), today) or ""))

    def at_hand(self) -> bool:
        """True once the file as it is now has been read."""
        try:
            return self._stamp() == self._read_at
        except SourceFailed:
            return False

    def close(self) -> None:
        """Nothing to let go: the file is open only while it is read."""

    def _current(self) -> dict[Key, list[dict[str, str]]]:
        stamp = self._stamp()
        with self._lock:
            if stamp != self._read_at:
                self._rows = self._read(stamp[1])
                self._read_at = stamp
            return self._rows

    def _stamp(self) -> tuple[int, int]:
        """When the file was written last, and its size."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise SourceFailed(f"{self.path.name} cannot be read: {error.strerror}") from error
        return status.st_mtime_ns, status.st_size

    def _read(self, size: int) -> dict[Key, list[dict[str, str]]]:
        if size > MOST_BYTES:
            raise SourceFailed(f"{self.path.name} is larger than {MOST_BYTES // 2**20} MB; keep it in a database")
        rows: dict[Key, list[dict[str, str]]] = {}
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    key = tuple((row.get(column) or "").strip() for column in self.find_columns.values())
                    rows.setdefault(key, []).append(
                        {name: value for name, value in row.items() if name is not None and value is not None}
                    )
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise SourceFailed(f"{self.path.name} cannot be read: {error}") from error
        return rows
