"""Flow files as named on the command line: which are read together, and which problems are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ivr.errors import FlowError
from ivr.language.bundle import Compiled, compile_bundle, content_of, flow_files
from ivr.language.flow import Flow
from ivr.language.names import Names
from ivr.language.problems import Findings, Problem
from ivr.language.rules import severities
from ivr.language.source import decode
from ivr.language.translations import FOLDER

_RUNS = re.compile(r"\brun:\s*[\"']?([a-z]\w*)")
_NAME = re.compile(r"^flow:\s*[\"']?([a-z]\w*)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What was read from a folder: `problems` name files as the user did; `lines` gives a file's text for showing them."""

    folder: Path
    compiled: Compiled
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(repr=False)
    count: int

    @property
    def flows(self) -> Mapping[str, Flow]:
        return self.compiled.flows

    def lines(self, file: str) -> list[str]:
        """The lines of a file as it is named in a problem."""
        return self.texts.get(file, "").replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def named(self, path: Path) -> str:
        """The name of the flow in `path`; "" where it cannot be read."""
        return next((name for name, flow in self.compiled.flows.items() if flow.at.file == path.name), "")


def names_from(config: Path | None) -> Names:
    """What config/ offers; nothing is known where the folder does not exist."""
    if config is None or not config.is_dir():
        return Names()
    from ivr.configuration.loading import load_configuration, names_of  # takes longer to import than a flow to lint

    return names_of(load_configuration(config))


def compile_paths(paths: tuple[Path, ...], names: Names) -> Found:
    """Read one folder, or some files of one folder with the flows that they run; only problems of what was named are told."""
    for path in paths:
        if not path.exists():
            raise FlowError(f"There is no file or folder {path}.")
    findings = Findings(severities())
    folders = [path for path in paths if path.is_dir()]
    folder = folders[0] if folders else _home(paths[0])
    contents = flow_files(folder)
    wanted = set(contents) if folders else {path.relative_to(folder).as_posix() for path in paths}
    for path in paths:
        if not path.is_dir():
            contents[path.relative_to(folder).as_posix()] = content_of(path)
    texts = {name: text for name, content in contents.items() if (text := decode(content, name, findings)) is not None}
    if not folders:
        texts = _with_flows_run(texts, wanted)
    compiled = compile_bundle(texts, names, findings)
    problems = [problem for problem in compiled.problems if folders or problem.file in wanted]
    return Found(
        folder,
        compiled,
        tuple(replace(problem, file=_named(folder, problem.file)) for problem in problems),
        {_named(folder, name): text for name, text in texts.items()},
        len(wanted),
    )


def _home(path: Path) -> Path:
    """The flows folder that a file belongs to."""
    return path.parent.parent if path.parent.name == FOLDER else path.parent


def _named(folder: Path, file: str) -> str:
    return (folder / file).as_posix()


def _with_flows_run(texts: Mapping[str, str], wanted: Iterable[str]) -> dict[str, str]:
    """The wanted files, the flows that they run, and all translations; other files beside them may be drafts and copies."""
    names = {match[1]: path for path, text in texts.items() if (match := _NAME.search(text)) and path not in wanted}
    taken = {path: text for path, text in texts.items() if path in wanted or path.startswith(f"{FOLDER}/")}
    if any(path.startswith(f"{FOLDER}/") for path in wanted):
        return dict(texts)
    open_paths = [path for path in wanted if path in texts]
    while open_paths:
        for name in _RUNS.findall(texts[open_paths.pop()]):
            path = names.get(name)
            if path and path not in taken:
                taken[path] = texts[path]
                open_paths.append(path)
    return taken
