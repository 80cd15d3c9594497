"""The tables of text messages: who was asked what, which messages came in, who wants none. None of them holds a number for long:
people are known by a digest of it, which does not change when everything else about them is erased."""

from __future__ import annotations

import sqlalchemy as sa

from ivr.records.columns import Instant
from ivr.records.tables import metadata

text_surveys = sa.Table(
    "text_surveys",
    metadata,
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("number", sa.Text),  # until the first message is sent
    sa.Column("language", sa.Text),
    sa.Column("state", sa.Text, nullable=False),  # due, asked, done, stopped, refused, silent, undelivered, late
    sa.Column("asked", sa.Integer, nullable=False, server_default="0"),  # place of the question that waits for its answer
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("asked_at", Instant),
    sa.Column("latest_at", Instant),  # not asked any more afterwards; without it, by today's rule
    sa.Column("message_id", sa.Text),  # the carrier's
    sa.Column("delivery", sa.Text),  # how far it has come, in the carrier's word (ivr.records.text_delivery.STAGES)
    sa.Column("delivery_code", sa.Integer),
    sa.Index(None, "state", "due_at"),
    sa.Index(None, "subject", "due_at"),
)

texts_in = sa.Table(
    "texts_in",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("result", sa.Text, nullable=False),  # answer, unclear, stop, start, unasked
    sa.Column("reply", sa.Text),
    sa.Index(None, "subject", "at"),
    sa.Index(None, "at"),
)

text_stops = sa.Table(
    "text_stops",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("how", sa.Text, nullable=False),  # message, carrier, command
)

text_unreachable = sa.Table(
    "text_unreachable",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("code", sa.Integer, nullable=False),
)
