"""Model versions on disk: which there are, which is active, going back.

`active` names the active version; it is replaced in one step, so that a reader sees the old or the new one, never half.
`history.jsonl` has a line per activation.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivr.errors import IntentError
from ivr.intents.model import Model, load, read_manifest

_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Shelf:
    """The models folder (`$IVR_DATA_DIR/models`)."""

    folder: Path

    @property
    def active(self) -> str | None:
        """The active version, or None where nothing was trained yet."""
        try:
            version = (self.folder / "active").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return version if _VERSION.fullmatch(version) else None

    def versions(self) -> list[dict[str, Any]]:
        """Manifests of every readable version, newest first."""
        found = []
        for path in self.folder.glob("*/manifest.json"):
            try:
                found.append(read_manifest(path.parent))
            except IntentError:
                continue
        return sorted(found, key=lambda manifest: str(manifest.get("trained_at", "")), reverse=True)

    def has(self, version: str) -> bool:
        return bool(_VERSION.fullmatch(version)) and (self.folder / version / "manifest.json").is_file()

    def usable(self, version: str) -> bool:
        """Whether it is there and can be read whole."""
        try:
            self.load(version)
        except IntentError:
            return False
        return True

    def load(self, version: str | None = None) -> Model:
        """A version (default: the active one), checked. Raises IntentError where there is none or it is broken."""
        version = version or self.active
        if version is None:
            raise IntentError(f"no intent model is active in {self.folder}; run `ivr intents train`")
        if not self.has(version):
            raise IntentError(f"there is no model version {version} in {self.folder}; `ivr intents activate` lists them")
        return load(self.folder / version)

    def activate(self, version: str, by: str = "", why: str = "") -> Model:
        """Make `version` the active one, after reading it whole: a broken one is refused and the old one stays."""
        model = self.load(version)
        if self.active == version:
            return model
        try:
            handle, draft = tempfile.mkstemp(prefix=".active-", dir=self.folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(version + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(self.folder / "active")
            line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "version": version, "by": by, "why": why}
            with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise IntentError(f"{self.folder} cannot be written: {error.strerror}") from error
        return model

    def history(self) -> list[dict[str, Any]]:
        """Activations, oldest first. A damaged line is skipped."""
        try:
            lines = (self.folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [entry for entry in found if isinstance(entry, dict) and isinstance(entry.get("version"), str)]

    def rollback(self, by: str = "") -> Model:
        """Activate the version that was active before this one. Raises IntentError where there is none."""
        order: list[str] = []
        for entry in self.history():  # a rollback forgets what it left, so that a second one goes further back
            if entry.get("why") == "rollback" and len(order) > 1 and order[-2] == entry["version"]:
                order.pop()
            elif not order or order[-1] != entry["version"]:
                order.append(entry["version"])
        before = next((version for version in reversed(order[:-1]) if self.has(version)), None)
        if before is None:
            raise IntentError("there is no earlier version to go back to")
        return self.activate(before, by, "rollback")
