"""The doctor's look at what supervisors write: config/, flows/, and the model trained from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ivr.steps as _steps  # registers the kinds of step
from ivr.cli.checkup import Finding, error, of_problems, ok, warning
from ivr.configuration import Configuration, load_configuration, names_of
from ivr.errors import IntentError
from ivr.intents.answers import read_answers
from ivr.intents.phrasebook import read_phrasebook
from ivr.intents.shelf import Shelf
from ivr.language.bundle import Compiled, compile_folder
from ivr.phrases import load_house
from ivr.records.report_file import FILE as REPORTS_FILE
from ivr.records.report_file import ReportFile, read_reports
from ivr.settings import Settings
from ivr.steps.pay import Pay
from ivr.steps.text import Text

assert _steps


@dataclass(frozen=True)
class Files:
    """What was read, for the checks that need it."""

    configuration: Configuration
    compiled: Compiled
    asks_by_text: bool = False  # config/reports.yaml has a text_survey that asks somebody

    @property
    def flows_that_pay(self) -> tuple[str, ...]:
        """Names of flows with a `pay` step."""
        flows = self.compiled.flows.values()
        return tuple(flow.name for flow in flows if any(isinstance(step, Pay) for step in flow.steps.values()))

    @property
    def flows_that_text(self) -> tuple[str, ...]:
        """Names of flows with a `text` step."""
        flows = self.compiled.flows.values()
        return tuple(flow.name for flow in flows if any(isinstance(step, Text) for step in flow.steps.values()))

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the lines' flows, as flows write them."""
        return tuple(sorted({language for flow in self.compiled.flows.values() for language in flow.languages}))


def read_files(settings: Settings) -> Files:
    """Configuration and flows as they are on disk."""
    configuration = load_configuration(settings.config_dir)
    try:
        reports = read_reports((settings.config_dir / REPORTS_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # `check_files` tells of it
        reports = ReportFile()
    return Files(configuration, compile_folder(settings.flows_dir, names_of(configuration)), reports.text_survey is not None)


def check_files(settings: Settings, files: Files) -> Iterator[Finding]:
    """Everything wrong with config/ and flows/."""
    found = files.configuration
    sound = f"{len(found.agents)} agents, {len(found.queues)} queues, {len(found.numbers.lines)} lines in {settings.config_dir}."
    yield from of_problems("config", found.problems, sound)
    yield from of_problems("phrases", load_house(settings.config_dir)[1], "The house's wording can be used.")
    yield from _check_reports(settings)
    yield from _check_intents_file(settings)
    flows = files.compiled.flows
    problems = files.compiled.problems
    yield from of_problems("flows", problems, f"{len(flows)} flows in {settings.flows_dir}, without problems.", "ivr flows lint")
    for number, line in found.numbers.lines.items():
        if line.flow not in flows:
            yield error(
                "flows", f'{number} is answered by the flow "{line.flow}", which does not exist.', "Mend config/numbers.yaml."
            )
    if flows and settings.main_flow not in flows:
        yield error(
            "flows",
            f'IVR_MAIN_FLOW is "{settings.main_flow}", and there is no such flow.',
            f"Set it to one of {', '.join(sorted(flows))}.",
        )


def _check_reports(settings: Settings) -> Iterator[Finding]:
    path = settings.config_dir / REPORTS_FILE
    if not path.is_file():
        yield ok("reports", "No scheduled reports (there is no config/reports.yaml).")
        return
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        yield error("reports", f"{path} cannot be read: {problem}.", "Save it as UTF-8.")
        return
    reports = read_reports(text)
    yield from of_problems("reports", reports.problems, f"{len(reports.reports)} scheduled reports.")


def _check_intents_file(settings: Settings) -> Iterator[Finding]:
    try:
        book, findings = read_phrasebook(settings.config_dir)
        questions, _ = read_answers(settings.config_dir)
    except IntentError as problem:
        yield error("intents", f"{problem}.", "Mend the file; `ivr intents lint` checks it.")
        return
    sound = f"{len(book.intents)} intents in {', '.join(book.languages)}; {len(questions)} wordings of answers."
    yield from of_problems("intents", findings.sorted(), sound, "ivr intents lint")


def check_model(settings: Settings, files: Files) -> Iterator[Finding]:
    """Whether speech is understood: a model is active, whole, trained from today's phrases, for the languages of the flows."""
    from ivr.intents.encoders.onnx import encoder_of
    from ivr.intents.training import recipe_of

    shelf = Shelf(settings.models_dir)
    if shelf.active is None:
        yield warning(
            "speech",
            f"No intent model is active in {settings.models_dir}: callers use the keypad.",
            "Run `ivr intents train`; `ivr serve` and `ivr demo` do it when they start.",
        )
        return
    try:
        model = shelf.load()
    except IntentError as problem:
        yield error("speech", f"{problem}.", "Run `ivr intents train`, or `ivr intents activate` for another version.")
        return
    try:
        encoder = encoder_of(settings.speech)
    except IntentError as problem:
        yield error("speech", f"{problem}.", "Callers use the keypad until then.")
        return
    if model.encoder != encoder.name:
        yield error(
            "speech", f"Model {model.version} was trained with another encoder ({model.encoder}).", "Run `ivr intents train`."
        )
        return
    missing = sorted({name.split("-")[0] for name in files.languages} - set(model.languages))
    if missing:
        yield warning(
            "speech",
            f"Flows speak {', '.join(missing)}, and the model has no phrases in it.",
            "Add phrases to config/intents.yaml and run `ivr intents train`.",
        )
    try:
        book, _ = read_phrasebook(settings.config_dir)
        trained = (settings.models_dir / "trained").read_text(encoding="utf-8").strip()
    except (IntentError, OSError):
        trained, book = "", None
    if book is not None and trained != recipe_of(book, settings.config_dir, encoder):
        yield warning(
            "speech",
            f"Model {model.version} was trained from earlier phrases.",
            "Run `ivr intents train`; `ivr serve` and `ivr demo` do it when they start.",
        )
    yield ok("speech", f"Model {model.version} understands {', '.join(model.languages)}.")
