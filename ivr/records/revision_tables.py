"""The SQL tables of flow revisions and identification, on the same metadata as the records'.

flow_revisions    what was published: files, hash, who, when, why; rows never change
flow_pointers     which revision new calls of a line run
flow_moves        the pointer's history: one row per publish and rollback
flow_drafts       files being edited, until they are published or dropped
failed_tries      wrong answers in step-up identification, by call, caller and account (as digests)
"""

from __future__ import annotations

import sqlalchemy as sa

from ivr.records.columns import Document, Instant
from ivr.records.tables import metadata

flow_revisions = sa.Table(
    "flow_revisions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("files", Document, nullable=False),
    sa.Column("flows", Document, nullable=False),  # names of the flows in it
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("published_at", Instant, nullable=False),
    sa.Column("lint", Document, nullable=False),  # warnings that remained
    sa.Column("tests", Document),  # how many flow tests ran; NULL: none were asked for
    sa.Index(None, "content_hash"),
)

flow_pointers = sa.Table(
    "flow_pointers",
    metadata,
    sa.Column("line", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("moved_at", Instant, nullable=False),
)

flow_moves = sa.Table(
    "flow_moves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("kind", sa.Text, nullable=False),  # publish | rollback
    sa.Column("from_number", sa.Integer),
    sa.Column("to_number", sa.Integer, nullable=False),
    sa.Index(None, "line", "id"),
)

flow_drafts = sa.Table(
    "flow_drafts",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("text", sa.Text),  # NULL: the file shall go
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("based_on", sa.Integer, nullable=False, server_default="0"),  # the revision it was begun from
    sa.Column("saved_at", Instant, nullable=False),
)

failed_tries = sa.Table(
    "failed_tries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),  # "call:…", "caller:…", "account:…", each a digest
    sa.Column("at", Instant, nullable=False),
    sa.Index(None, "subject", "at"),
    sa.Index(None, "at"),
)

TABLES = (flow_revisions, flow_pointers, flow_moves, flow_drafts, failed_tries)
