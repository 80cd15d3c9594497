"""Steps, rules, settings, figures, metrics and routes: what the program has is on the page that is about it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ivr.steps  # registers every kind of step
from ivr.jobs.wiring import open_line
from ivr.language.fields import KINDS
from ivr.language.rules import RULES
from ivr.records.figures import NAMES
from ivr.settings import read_settings
from tests.docs.pages import ROOT
from webhooks.api.routes import ROUTES
from webhooks.app import create_app

assert ivr.steps
ENVIRONMENT = re.compile(r"(?:IVR|TWILIO)_[A-Z][A-Z_]*|REDIS_URL|DATABASE_URL")
METRIC = re.compile(r'\b(?:Counter|Gauge|Histogram|Summary)\(\s*"(ivr_\w+)"')
CARRIER_SETS_UP = ("/voice/incoming", "/voice/fallback", "/voice/status")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def sources() -> list[Path]:
    return [path for folder in ("ivr", "routing", "webhooks") for path in sorted((ROOT / folder).rglob("*.py"))]


def settings_read() -> set[str]:
    """Names of environment variables that stand as whole texts in the sources."""
    found: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and ENVIRONMENT.fullmatch(node.value):
                found.add(node.value)
    return found


def test_every_kind_of_step_has_a_section() -> None:
    headings = re.findall(r"^### (.+)$", page("flow-language.md"), re.MULTILINE)
    assert [word for word in KINDS if not any(re.search(rf"\b{word}\b", heading) for heading in headings)] == []


def test_every_lint_rule_has_a_section() -> None:
    assert [name for name in RULES if f"### {name}\n" not in page("lint-rules.md")] == []


def test_every_figure_is_explained() -> None:
    assert [name for name in NAMES if f"| `{name}` |" not in page("metrics.md")] == []


def test_every_setting_is_explained() -> None:
    found = settings_read()
    assert {"IVR_PUBLIC_URL", "TWILIO_AUTH_TOKEN_NEXT", "REDIS_URL", "DATABASE_URL"} <= found
    assert [name for name in sorted(found) if f"`{name}`" not in page("operations.md")] == []


def test_every_metric_of_the_processes_is_explained() -> None:
    found = {name for path in sources() for name in METRIC.findall(path.read_text(encoding="utf-8"))}
    assert "ivr_webhooks_total" in found
    assert [name for name in sorted(found) if f"`{name}`" not in page("operations.md")] == []


def test_every_key_of_calls_and_jobs_is_listed() -> None:
    text = (ROOT / "ivr" / "keys.py").read_text(encoding="utf-8")
    names = re.findall(r"^(ivr:\S+)", ast.get_docstring(ast.parse(text)) or "", re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in page("redis-keys.md")] == []


def test_every_address_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is connected to: a line connects when it is used."""
    monkeypatch.chdir(ROOT)
    account = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "x" * 32, "REDIS_URL": "redis://127.0.0.1:1/0"}
    settings = read_settings({**account, "IVR_DATA_DIR": str(tmp_path)})
    application = create_app(settings, open_line(settings, speech=False))
    addresses = {str(rule) for rule in application.url_map.iter_rules()}
    operations = page("operations.md")
    for address in CARRIER_SETS_UP:
        assert address in addresses
        assert f"{address}`" in operations
    declared = {f"/api/v1{route.path}" for route in ROUTES}  # tests/api compares them with docs/api.md
    undeclared = {a for a in addresses if a.startswith("/api/") and "<path:" not in a and a not in declared}
    assert [address for address in sorted(undeclared) if f"`{address.rstrip('/')}`" not in page("api.md")] == []
    others = {a for a in addresses if not a.startswith(("/voice/", "/api/", "/audio/")) and a != "/"}
    assert [address for address in sorted(others) if f"`{address}`" not in operations] == []
