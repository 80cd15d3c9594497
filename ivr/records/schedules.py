"""Reports made by the clock: due once per period, whoever looks; delivered as file, e-mail or webhook.

A run is claimed in SQL before it starts: two clocks never make the same report twice. One that fails to be delivered is tried again
at the next look, for a day.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
import structlog

from ivr.errors import RecordError
from ivr.records.database import REPORT_SECONDS
from ivr.records.mailing import mail_host, report_mail, send_mail
from ivr.records.measures import default_thresholds
from ivr.records.outbox import sign
from ivr.records.report_file import Report, load_reports
from ivr.records.rows import csv_cell, digits, rfc3339
from ivr.records.stats import StatsQuery, figures
from ivr.records.store import Store
from ivr.records.sums import Scope
from ivr.records.tables import report_runs

log = structlog.get_logger()

LATEST = timedelta(days=1)  # a report missed by more is left to the next period
_AGAIN = timedelta(minutes=15)


def run_due(
    store: Store, config_dir: Path, now: datetime, data_dir: Path | None = None, env: Mapping[str, str] | None = None
) -> list[str]:
    """Make and deliver every report that is due; gives their names. A file that cannot be read stops nothing but this."""
    try:
        reports = load_reports(config_dir, env).reports
    except RecordError as error:
        log.error("no scheduled reports", problem=str(error))
        return []
    done = []
    for report in reports:
        due = due_at(report, now)
        if due is None or not _claim(store, report, due, now):
            continue
        try:
            text = make(store, report, due, now)
            deliver(report, text, due, now, data_dir or Path(".ivr"), os.environ if env is None else env)
        except (RecordError, OSError, smtplib.SMTPException, httpx.HTTPError) as error:
            log.error("report not delivered, it is tried again", report=report.name, error=str(error))
            _finish(store, report, due, None, str(error)[:300])
            continue
        _finish(store, report, due, now, "delivered")
        done.append(report.name)
    return done


def due_at(report: Report, now: datetime) -> datetime | None:
    """When the report was last due, within a day before `now`; None where it was not."""
    zone = ZoneInfo(report.timezone)
    for days in range(2):
        day = (now.astimezone(zone) - timedelta(days=days)).date()
        due = datetime.combine(day, report.at, zone)
        fits = (report.weekday is None or day.weekday() == report.weekday) and (
            report.day_of_month is None or day.day == report.day_of_month
        )
        if fits and due <= now < due + LATEST:
            return due
    return None


def period_of(report: Report, due: datetime) -> tuple[datetime, datetime]:
    """The report's interval [from, to), by local midnights."""
    zone = ZoneInfo(report.timezone)
    today = due.astimezone(zone).date()
    if report.period == "yesterday":
        first, last = today - timedelta(days=1), today
    elif report.period == "last_week":
        last = today - timedelta(days=today.weekday())
        first = last - timedelta(days=7)
    else:
        last = today.replace(day=1)
        first = (last - timedelta(days=1)).replace(day=1)
    midnight = datetime.min.time()
    return datetime.combine(first, midnight, zone), datetime.combine(last, midnight, zone)


def make(store: Store, report: Report, due: datetime, now: datetime) -> str:
    """The report's text: CSV with numerator and denominator beside each figure, or the answer of /stats as JSON."""
    start, end = period_of(report, due)
    scope = Scope(start, end, ZoneInfo(report.timezone))
    usual = default_thresholds(store.rules)
    query = StatsQuery(scope, report.group_by, report.metrics, usual, usual=usual)
    found = figures(store, query, now, seconds=REPORT_SECONDS)
    if report.form == "json":
        return json.dumps({"report": report.name, "title": report.title, **found}, indent=2, ensure_ascii=False) + "\n"
    return stats_csv(found)


def stats_csv(found: Mapping[str, Any]) -> str:
    """An answer of /stats as CSV: one line per group, three columns per figure, a last line of totals."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    names = list(found["definitions"])
    groups = list(found["group_by"])
    writer.writerow(
        [
            *groups,
            *(column for name in names for column in (name, f"{name}_numerator", f"{name}_denominator", f"{name}_completeness")),
        ]
    )
    for row in [*found["rows"], {"group": dict.fromkeys(groups, "total"), "figures": found["totals"]}]:
        cells = [csv_cell(row["group"][name]) for name in groups]
        for name in names:
            figure = row["figures"][name]
            # A figure is a number of our own: a negative one is not a formula.
            cells += ["" if figure[part] is None else digits(figure[part]) for part in ("value", "numerator", "denominator")]
            cells.append(figure["completeness"])
        writer.writerow(cells)
    return text.getvalue()


def deliver(report: Report, text: str, due: datetime, now: datetime, data_dir: Path, env: Mapping[str, str]) -> None:
    """Put the report where it is wanted. Raises OSError, SMTPException or httpx.HTTPError."""
    kind = "text/csv" if report.form == "csv" else "application/json"
    date = due.astimezone(ZoneInfo(report.timezone)).date().isoformat()
    if report.deliver.file:
        path = data_dir / report.deliver.file.replace("{date}", date)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    if report.deliver.webhook:
        headers = {"Content-Type": kind, **_about(report, text, due, now)}
        answer = httpx.post(report.deliver.webhook, content=text.encode(), headers=headers, timeout=10.0)
        answer.raise_for_status()
    # Last: what fails is done again from the start, and nobody wants the same mail every quarter of an hour.
    if report.deliver.email:
        _mail(report, text, due, date, env)


def _about(report: Report, text: str, due: datetime, now: datetime) -> dict[str, str]:
    """Headers: which report of which interval, an id that is the same on every try, and a signature where there is a secret."""
    start, end = period_of(report, due)
    stamp = int(now.timestamp())
    signature = {} if report.deliver.secret is None else {"Ivr-Signature": sign(report.deliver.secret, stamp, text)}
    return {
        "Ivr-Report": report.name,
        "Ivr-From": rfc3339(start),
        "Ivr-To": rfc3339(end),
        "Ivr-Delivery": hashlib.sha256(f"{report.deliver.webhook} {report.name} {rfc3339(due)}".encode()).hexdigest()[:32],
        "Ivr-Timestamp": str(stamp),
        **signature,
    }


def _mail(report: Report, text: str, due: datetime, date: str, env: Mapping[str, str]) -> None:
    sender = env.get("IVR_SMTP_FROM") or f"ivr@{mail_host(env)}"
    body = f"{report.title}, made {date}. The figures are attached; every figure carries its numerator and denominator.\n"
    name = f"{report.name}-{date}.{report.form}"
    subject = f"{report.title}, {date}"
    send_mail(report_mail(sender, report.deliver.email, subject=subject, body=body, name=name, attachment=text, due=due), env)


def _claim(store: Store, report: Report, due: datetime, now: datetime) -> bool:
    """True for whoever may make this run now."""
    of_run = sa.and_(report_runs.c.name == report.name, report_runs.c.due_at == due)
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7214533)"))
        row = connection.execute(sa.select(report_runs).where(of_run)).first()
        if row is None:
            connection.execute(report_runs.insert(), {"name": report.name, "due_at": due, "claimed_until": now + _AGAIN})
            return True
        if row.done_at is not None or row.claimed_until > now:
            return False
        connection.execute(report_runs.update().where(of_run), {"claimed_until": now + _AGAIN})
        return True


def _finish(store: Store, report: Report, due: datetime, at: datetime | None, result: str) -> None:
    with store.writing() as connection:
        of_run = sa.and_(report_runs.c.name == report.name, report_runs.c.due_at == due)
        connection.execute(report_runs.update().where(of_run), {"done_at": at, "result": result})
