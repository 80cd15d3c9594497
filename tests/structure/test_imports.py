"""Who may import whom: docs/architecture.md, read from the code's own imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ivr", "routing", "webhooks")
ROOTS = ("webhooks", "ivr.cli", "ivr.jobs")
WORDS = (
    "ivr.call",
    "ivr.actions",
    "ivr.errors",
    "ivr.notes",
    "ivr.world",
    "ivr.house",
    "ivr.redaction",
    "ivr.keypad",
    "routing.model",
)

# library -> the only modules that may use it
ONLY = {
    "twilio": ("ivr.carriers.twilio",),
    "spacy": ("ivr.intents",),
    "redis": ("routing.board", "routing.callbacks", "ivr.sessions", "ivr.redis_sockets", "ivr.embedded", *ROOTS),
    "sqlalchemy": ("ivr.records", "ivr.connectors.databases"),
    "flask": ("webhooks",),
    "rq": ("ivr.jobs",),
    "onnxruntime": ("ivr.intents",),
    "aiohttp": ("ivr.carriers.local", "ivr.cli"),
    "gunicorn": ("ivr.cli",),
    "click": ("ivr.cli", "ivr.jobs"),
}
# module prefix -> prefixes of ours that it may import
MAY = {
    "ivr.language": ("ivr.language", "ivr.errors"),
    "ivr.steps": ("ivr.steps", "ivr.language", "ivr.dialogue", "ivr.speaking", *WORDS),
    "ivr.dialogue": ("ivr.dialogue", "ivr.language", "ivr.steps", "ivr.speaking", *WORDS),
    "ivr.engine": ("ivr.engine", "ivr.steps", "ivr.dialogue", "ivr.language", "ivr.speaking", *WORDS),
    "ivr.speaking": ("ivr.speaking", *WORDS),
    "routing.policies": ("routing.policies", "routing.model", "routing.hours"),
    "routing.simulation": (
        "routing.simulation",
        "routing.policies",
        "routing.model",
        "routing.hours",
        "routing.erlang",
        "routing.estimate",
    ),
    "routing.estimate": ("routing.estimate", "routing.policies", "routing.model"),
}
# The cores know neither wires nor clocks.
PURE = ("ivr.language", "ivr.steps", "ivr.dialogue", "ivr.engine", "ivr.speaking", "routing.policies", "routing.estimate", *WORDS)
IMPURE_LIBRARIES = frozenset(
    [
        "flask",
        "redis",
        "rq",
        "sqlalchemy",
        "alembic",
        "twilio",
        "spacy",
        "httpx",
        "requests",
        "aiohttp",
        "socket",
        "subprocess",
        "urllib.request",
        "sqlite3",
        "psycopg",
        "onnxruntime",
        "duckdb",
        "pyarrow",
    ]
)


@cache
def modules() -> tuple[tuple[str, Path], ...]:
    """Every module of ours with its file."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return tuple(found)


@cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Imported modules of a file with their lines. Imports that only type checkers see count too: readers depend on them."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno


def inside(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def test_every_package_is_found() -> None:
    names = {name for name, _ in modules()}
    assert {"ivr.engine", "routing.board", "webhooks.app"} <= names


def test_ivr_and_routing_meet_only_in_the_roots() -> None:
    wrong = [
        f"{module}:{line} imports {imported}"
        for module, path in modules()
        if not inside(module, ROOTS)
        for imported, line in imports(path)
        if (inside(imported, ("routing",)) and inside(module, ("ivr",)))
        or (inside(imported, ("ivr",)) and inside(module, ("routing",)))
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_imports_the_roots() -> None:
    wrong = [
        f"{module}:{line} imports {imported}"
        for module, path in modules()
        if not inside(module, ROOTS)
        for imported, line in imports(path)
        if inside(imported, ROOTS)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", sorted(ONLY))
def test_a_library_stays_where_it_belongs(library: str) -> None:
    wrong = [
        f"{module}:{line} imports {imported}"
        for module, path in modules()
        if not any(module == one or module.startswith((f"{one}.", f"{one}_")) for one in ONLY[library])
        for imported, line in imports(path)
        if inside(imported, (library,))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("core", sorted(MAY))
def test_a_core_imports_only_what_lies_below(core: str) -> None:
    wrong = [
        f"{module}:{line} imports {imported}"
        for module, path in modules()
        if module == core or module.startswith((f"{core}.", f"{core}_"))
        for imported, line in imports(path)
        if inside(imported, PACKAGES)
        and not any(imported == one or imported.startswith((f"{one}.", f"{one}_")) for one in MAY[core])
        and imported not in PACKAGES
    ]
    assert not wrong, "\n".join(wrong)


def test_cores_and_words_are_pure() -> None:
    wrong = [
        f"{module}:{line} imports {imported}"
        for module, path in modules()
        if inside(module, PURE)
        for imported, line in imports(path)
        if imported in IMPURE_LIBRARIES or imported.split(".")[0] in IMPURE_LIBRARIES
    ]
    assert not wrong, "\n".join(wrong)


def test_data_folders_hold_no_code() -> None:
    assert not [path for folder in ("flows", "config") for path in (ROOT / folder).rglob("*.py")]


def test_files_stay_readable() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for _, path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long, f"split before about 400 lines: {long}"


def test_names_say_what_is_inside() -> None:
    empty_words = {
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "base",
        "misc",
        "manager",
        "managers",
        "service",
        "services",
        "handler",
        "handlers",
        "data",
        "info",
    }
    wrong = [name for name, _ in modules() if set(name.split(".")[-1].split("_")) & empty_words]
    assert not wrong


def test_no_address_of_a_package_registry_is_written_down() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry." + "npmjs", "debian" + ".org")
    looked = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not set(path.relative_to(ROOT).parts) & {".venv", ".git", ".ivr", "build"}
        and ".egg-info" not in str(path)
    ]
    wrong = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in looked
        if path.suffix in (".txt", ".lock", ".toml", ".md", ".yaml", ".yml", ".py", ".json", ".cfg", "")
        and path.stat().st_size < 2_000_000
        for host in hosts
        if host in path.read_text(encoding="utf-8", errors="ignore")
    ]
    assert not wrong
