"""docs/api.md, docs/metrics.md and docs/reports.md say what the program does."""

from __future__ import annotations

from pathlib import Path

from ivr.records.figures import NAMES
from ivr.records.metrics_page import BEGIN, END, table
from ivr.records.record import EXTRA_FIELDS, RECORD_FIELDS, Excluded, Outcome
from ivr.records.report_file import read_reports
from ivr.records.tokens import ROLES, SCOPES
from webhooks.api.problems import TYPES
from webhooks.api.routes import ROUTES


def test_the_table_of_figures_is_fresh() -> None:
    page = Path("docs/metrics.md").read_text()
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == table()
    assert all(f"`{word}`" in page for word in (*NAMES, *Outcome, *(e for e in Excluded)))


def test_every_route_scope_role_refusal_and_field_is_on_the_page() -> None:
    page = Path("docs/api.md").read_text()
    for route in ROUTES:
        assert f"`{route.method} {route.path.replace('<', '{').replace('>', '}')}`" in page
    for word in (*SCOPES, *ROLES, *TYPES, *RECORD_FIELDS, *EXTRA_FIELDS):
        assert f"`{word}`" in page, word


def test_the_report_of_the_page_is_one() -> None:
    text = Path("docs/reports.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    found = read_reports(text)
    assert found.problems == ()
    assert found.reports[0].deliver.email == ("team@example.com",)
