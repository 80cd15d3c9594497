"""A bundle: all flows of a line with their translations, read, checked and hashed together. What a revision publishes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ivr.errors import FlowError
from ivr.language.fields import KINDS
from ivr.language.flow import Flow
from ivr.language.flow_reader import read_flow
from ivr.language.names import Names
from ivr.language.problems import ERROR, Findings, Problem
from ivr.language.rules import Lint, check, severities
from ivr.language.source import MOST_BYTES, decode, read_source
from ivr.language.translations import FOLDER, Translations, best_language, language_of, read_translations
from ivr.language.values import Position, Template


@dataclass(frozen=True)
class Bundle:
    """Flows by name and translations by language. `hash` is sha256 (hex) over `files`; equal bundles have equal hashes."""

    flows: Mapping[str, Flow]
    files: Mapping[str, str] = field(repr=False)
    hash: str
    translations: Mapping[str, Translations] = field(default_factory=dict, repr=False)

    def translate(self, language: str, template: Template) -> Template | None:
        """The same sentence in `language` (es-MX is served by es-ES where there is no other); None where there is none."""
        found = best_language(language, tuple(self.translations))
        translated = self.translations[found].find(template.source) if found else None
        return translated.template if translated else None


@dataclass(frozen=True)
class Compiled:
    """`bundle` is None where a problem of severity "error" was found; `flows` are what could be read even so (for the graph and the console)."""

    bundle: Bundle | None
    problems: tuple[Problem, ...]
    flows: Mapping[str, Flow] = field(default_factory=dict, repr=False)
    translations: Mapping[str, Translations] = field(default_factory=dict, repr=False)

    def required(self) -> Bundle:
        """The bundle; raises FlowError with the problems where there is none."""
        if self.bundle is not None:
            return self.bundle
        errors = [problem for problem in self.problems if problem.severity == ERROR]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise FlowError(f"The flows have problems: {errors[0]}{more}", self.problems)


def is_flow_file(path: str) -> bool:
    """True for `support.yaml`: a flow lies at the top of the folder."""
    parts = PurePosixPath(path)
    return len(parts.parts) == 1 and parts.suffix in (".yaml", ".yml")


def flow_files(folder: Path) -> dict[str, bytes]:
    """What a flows folder holds for a bundle, by path relative to it: flows at the top, translations in prompts/; FlowError where unreadable."""
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml"), *(folder / FOLDER).glob("*.yaml")]
    return {path.relative_to(folder).as_posix(): content_of(path) for path in sorted(found) if path.is_file()}


def content_of(path: Path) -> bytes:
    """A file's bytes, no more than are needed to see that it is too large; FlowError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FlowError(f"{path} cannot be read: {error.strerror}.") from error


def compile_folder(folder: Path, names: Names | None = None) -> Compiled:
    """`compile_bundle` for a folder on disk; files that are not UTF-8 or too large are problems."""
    findings = Findings(severities())
    texts = {path: decode(content, path, findings) for path, content in flow_files(folder).items()}
    return compile_bundle({path: text for path, text in texts.items() if text is not None}, names, findings)


def compile_bundle(files: Mapping[str, str], names: Names | None = None, findings: Findings | None = None) -> Compiled:
    """Read and check all flows of a line.

    `files` maps a path relative to the flows folder ("support.yaml", "prompts/es-ES.yaml") to text; other paths (tests/, audio/) are left
    out. Never raises for anything the files hold: `problems` are sorted by file and place.
    """
    if not KINDS:
        raise RuntimeError("no kind of step is registered: import ivr.steps first")
    findings = findings or Findings(severities())
    flows: dict[str, Flow] = {}
    translations: dict[str, Translations] = {}
    used = {path: files[path] for path in sorted(files) if is_flow_file(path) or language_of(path)}
    for path, text in used.items():
        source = read_source(path, text, findings)
        language = language_of(path)
        if language:
            translations[language] = read_translations(source, language, findings)
            continue
        flow = read_flow(source, findings)
        if flow is None:
            continue
        if flow.name in flows:
            other = flows[flow.name].at.file
            findings.add(
                flow.positions.get("flow", flow.at),
                "duplicate-flow",
                f'"{flow.name}" is also the name of the flow in {other}.',
                "Rename one of the two.",
            )
            continue
        flows[flow.name] = flow
    if not flows and not findings.found:
        findings.add(Position("flows", 1, 1), "missing-setting", "There is no flow here.", "Write one, such as support.yaml.")
    check(Lint(flows, translations, names or Names(), findings))
    problems = findings.sorted()
    if any(problem.severity == ERROR for problem in problems):
        return Compiled(None, problems, flows, translations)
    return Compiled(Bundle(flows, used, content_hash(used), translations), problems, flows, translations)


def content_hash(files: Mapping[str, str]) -> str:
    """sha256 (64 hex digits) over paths and texts, so that nothing can move from one file to another unnoticed."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path]):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
