"""Reading config/reports.yaml: how figures are counted, webhooks, scheduled reports, the survey by text, retention."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from ivr.configuration.reading import Table, root_table
from ivr.errors import RecordError
from ivr.language.problems import Findings, Problem
from ivr.records.figures import ALIASES, NAMES
from ivr.records.intervals import WEEKDAYS
from ivr.records.record import Retention, Rules
from ivr.records.subscriptions import KINDS, Subscription
from ivr.records.sums import GROUPS
from ivr.records.text_survey import TextSurvey
from ivr.records.text_survey_file import read_text_survey

FILE = "reports.yaml"
PERIODS = ("yesterday", "last_week", "last_month")
FORMS = ("csv", "json")
DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Delivery:
    """Where a finished report goes: any of a file below the data folder, e-mail addresses, a webhook address."""

    file: str | None = None
    email: tuple[str, ...] = ()
    webhook: str | None = None
    secret: str | None = None  # what the webhook is signed with


@dataclass(frozen=True)
class Report:
    """A report made by the clock: at `at` in `timezone`, every day or on one weekday or day of the month."""

    name: str
    title: str
    at: time
    timezone: str
    period: str
    group_by: tuple[str, ...]
    metrics: tuple[str, ...]
    form: str
    deliver: Delivery
    weekday: int | None = None
    day_of_month: int | None = None


@dataclass(frozen=True)
class ReportFile:
    """The whole file; `problems` says what could not be used, which is left at its default."""

    rules: Rules = field(default_factory=Rules)
    subscriptions: tuple[Subscription, ...] = ()
    reports: tuple[Report, ...] = ()
    retention: Retention = field(default_factory=Retention)
    text_survey: TextSurvey | None = None
    problems: tuple[Problem, ...] = ()


def read_reports(text: str, env: Mapping[str, str] | None = None) -> ReportFile:
    """Read the file's text. `env` holds the secrets of webhooks (default: the process's environment)."""
    findings = Findings()
    root = root_table(FILE, text, findings)
    rules = _rules(root.table("figures"))
    retention = _retention(root.table("retention"))
    env = os.environ if env is None else env
    subscriptions = tuple(s for t in root.items("webhooks", "webhook") if (s := _subscription(t, env)))
    reports = tuple(r for name, t in root.entries("reports", "report") if (r := _report(name, t, env)))
    survey = read_text_survey(root.table("text_survey", "text survey"))
    root.close()
    return ReportFile(rules, subscriptions, reports, retention, survey, findings.sorted())


def load_reports(folder: Path, env: Mapping[str, str] | None = None) -> ReportFile:
    """Read `folder`/reports.yaml; defaults where there is none. Raises RecordError with the first problem of a file that has some."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ReportFile()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{folder / FILE} cannot be read: {error}") from error
    found = read_reports(text, env)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        raise RecordError(str(errors[0]))
    return found


def _rules(table: Table | None) -> Rules:
    if table is None:
        return Rules()
    usual = Rules()
    rules = Rules(
        topics=table.mapping("topics"),
        shared_numbers=frozenset(item.value for item in table.texts("shared_numbers")),
        target_seconds=table.duration("target", usual.target_seconds, 1, 3600),
        short_abandon_seconds=table.duration("short_abandon", usual.short_abandon_seconds, 0, 600),
        window_seconds=table.duration("fcr_window", usual.window_seconds, 3600, 30 * DAY_SECONDS),
    )
    table.close()
    return rules


def _retention(table: Table | None) -> Retention:
    if table is None:
        return Retention()
    usual = Retention()
    kept = {
        name: timedelta(seconds=table.duration(name, getattr(usual, name).total_seconds(), DAY_SECONDS, 3660 * DAY_SECONDS))
        for name in ("events", "utterances", "calls", "deliveries")
    }
    table.close()
    return Retention(**kept)


def _subscription(table: Table, env: Mapping[str, str]) -> Subscription | None:
    url = table.text("url")
    variable = table.text("secret_variable")
    kinds = table.names("kinds", KINDS, "kind of webhook") or ("call.completed",)
    below = {}
    for question, text in table.mapping("alert_below").items():
        if question in ("csat", "nps", "ces") and re.fullmatch(r"\d+(\.\d+)?", text):
            below[question] = float(text)
        else:
            table.problem(
                "alert_below",
                "wrong-value",
                f'"{question}: {text}" sets no alert.',
                "Write csat, nps or ces with the answer below which to alert.",
            )
    table.close()
    if not _sound_address(url):
        table.problem("url", "wrong-value", f'"{url}" is no address to send to.', "Write one such as https://example.com/calls.")
        return None
    secret = _secret(table, variable, env)
    if secret is None:
        return None
    return Subscription(url, secret, tuple(kinds), below or {"csat": 3.0, "nps": 7.0})


def _secret(table: Table, variable: str, env: Mapping[str, str]) -> str | None:
    secret = env.get(variable, "")
    if len(secret) >= 16:
        return secret
    table.problem(
        "secret_variable",
        "missing-secret",
        f"The environment variable {variable or '(none)'} holds no secret of 16 characters or more.",
        "Receivers check the signature with it.",
    )
    return None


def _sound_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _report(name: str, table: Table, env: Mapping[str, str]) -> Report | None:
    title = table.text("title", name)
    at = table.text("at", "06:00")
    zone = table.text("timezone", "UTC")
    period = table.choice("period", PERIODS, "yesterday", "period")
    groups = table.names("group_by", GROUPS, "group")
    metrics = table.names("metrics", (*NAMES, *ALIASES), "metric")
    form = table.choice("format", FORMS, "csv", "format")
    on = table.text("on", "")
    target = table.table("deliver")
    deliver = Delivery()
    if target is not None:
        variable = target.text("secret_variable") or None
        deliver = Delivery(
            target.text("file") or None, tuple(item.value for item in target.texts("email")), target.text("webhook") or None,
            None if variable is None else _secret(target, variable, env),
        )  # fmt: skip
        target.close()
    table.close()
    sound = True
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
        table.problem("at", "wrong-value", f'"{at}" is no time of day.', 'Write one such as "06:00".')
        sound = False
    if zone not in available_timezones():
        table.problem("timezone", "wrong-value", f'"{zone}" is no time zone.', "Write one such as Europe/London.")
        sound = False
    if on and on not in WEEKDAYS and not re.fullmatch(r"[1-9]|1\d|2[0-8]", on):
        table.problem("on", "wrong-value", f'"{on}" is no day.', "Write a weekday, or a day of the month from 1 to 28.")
        sound = False
    if deliver.file and not _inside(deliver.file):
        table.problem(
            "deliver",
            "wrong-value",
            f'"{deliver.file}" leaves the data folder.',
            "Write a path inside it, without a leading slash or ..",
        )
        sound = False
    if deliver.webhook and not _sound_address(deliver.webhook):
        table.problem(
            "deliver",
            "wrong-value",
            f'"{deliver.webhook}" is no address to send to.',
            "Write one such as https://example.com/reports.",
        )
        sound = False
    if not sound:
        return None
    return Report(
        name, title, time.fromisoformat(at), zone, period, tuple(groups), tuple(ALIASES.get(m, m) for m in metrics), form, deliver,
        WEEKDAYS.index(on) if on in WEEKDAYS else None, int(on) if on.isdigit() else None,
    )  # fmt: skip


def _inside(path: str) -> bool:
    return not path.startswith(("/", "\\", "~")) and ".." not in Path(path).parts and ":" not in path
