"""The tables of imports under way: a file's rows wait here until all of them are known to be good."""

from __future__ import annotations

import sqlalchemy as sa

from ivr.records.columns import Instant
from ivr.records.tables import metadata

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # a Stage of ivr.records.importing
    sa.Column("lines", sa.Integer, nullable=False, server_default="0"),  # rows that wait
    sa.Column("place", sa.Text),  # how far the stage has come: whoever moves on has to know it
    sa.Column("first_at", Instant),  # the earliest start and the latest end of its calls
    sa.Column("last_at", Instant),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("touched_at", Instant, nullable=False),
)

import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("person", sa.Text),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("queued_at", Instant),
    sa.Column(
        "parts", sa.Text, nullable=False
    ),  # lines of calls, legs, visits, surveys and issues as JSON, as databases keep them
    sa.Index("ix_import_rows_call_id", "import_id", "call_id", unique=True),
    sa.Index("ix_import_rows_person", "import_id", "person"),
)
