"""The SQL tables of records, figures and access. Changing one means a migration in `ivr/records/migrations/`.

calls          one row per call: the record's columns, and what repeats and figures need beside them
legs           one row per agent who was connected
visits         one row per stay in a queue
surveys        one row per answer to a survey question
issues         one row per thing a contact was about: intent group and entity
events         the journal, as it came
corrections    a supervisor's word on top of a record; never overwrites what was computed
agent_states   when agents changed state: occupancy, and the board at a past second
rollups        sums per half-hour, dimension and key; `rollup_dirty` names the half-hours to recompute
deliveries     outgoing webhooks, until they are delivered or given up
utterances     what callers said and was not understood, for the intents inbox
tokens, people, audit       access
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ivr.records.columns import Document, Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **more)


def _seconds(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(53), nullable=False, server_default="0")


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[int]:
    """0 or 1: figures are sums over flags, which booleans of PostgreSQL would not allow."""
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default="0")


calls = sa.Table(
    "calls",
    metadata,
    _text("call_id", primary_key=True),
    _text("contact_id", nullable=False),
    _flag("is_contact"),  # 1: the dial-in that opened the contact; its callback's calls are 0
    _text("direction", nullable=False),
    _text("from_number"),
    _text("to_number"),
    _text("caller_kind", nullable=False),
    _text("attestation"),
    _text("person"),  # "customer:42", "number:+44…"; NULL: nobody in particular (withheld, shared, erased)
    _text("customer_id"),
    _text("customer_name"),
    _text("segment"),
    _text("language"),
    _text("flow"),
    _text("revision"),
    sa.Column("intents", Document, nullable=False),
    _text("intent"),  # the first one that is about something: what figures per intent count
    _text("entity"),
    _text("model"),
    _text("queue"),
    _text("agent"),
    _text("team"),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("queued_at", Instant),
    sa.Column("answered_at", Instant),
    sa.Column("ended_at", Instant),
    _seconds("menu_seconds"),
    _seconds("queue_seconds"),
    _seconds("ring_seconds"),
    _seconds("talk_seconds"),
    _seconds("hold_seconds"),
    _seconds("wrap_up_seconds"),
    _seconds("handle_seconds"),
    _text("outcome", nullable=False),
    _text("abandoned_where"),  # menu, queue, ringing, hold
    _text("ended_by"),
    _count("transfers"),
    _flag("transferred_inside"),  # at least one transfer to an agent or a queue
    _flag("by_callback"),  # first answered on a call back: waiting was not on the line
    _text("disposition"),
    sa.Column("resolved", sa.Boolean),
    sa.Column("survey_resolved", sa.Boolean),
    sa.Column("survey", Document),
    _flag("survey_offered"),
    sa.Column("csat", sa.Float(53)),
    sa.Column("nps", sa.Float(53)),
    sa.Column("ces", sa.Float(53)),
    sa.Column("recording", Document),
    sa.Column("outside_talks", Document),  # with numbers outside: of nobody's handle time
    _flag("handled"),
    _flag("asked"),  # asked for something: what FCR counts
    _flag("self_service"),  # entered self-service
    _flag("goal_confirmed"),
    _count("reasked"),
    _count("legs_handled"),
    _flag("wrap_up_pending"),
    _flag("contact_handled"),
    _seconds("contact_handle_seconds"),
    sa.Column("fcr", sa.Boolean),
    _text("fcr_state", nullable=False),
    _text("fcr_excluded"),
    sa.Column("fcr_decided_at", Instant),
    sa.Column("repeat_seconds", sa.Float(53)),  # end of this contact to the next one about the same issue, within 30 days
    _text("repeat_call_id"),
    sa.Column("return_seconds", sa.Float(53)),  # to the same person's next contact about anything
    _flag("corrected"),
    _flag("imported"),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index(None, "started_at", "call_id"),
    sa.Index(None, "updated_at", "call_id"),
    sa.Index(None, "queue", "started_at"),
    sa.Index(None, "agent", "started_at"),
    sa.Index(None, "intent", "started_at"),
    sa.Index(None, "from_number", "started_at"),
    sa.Index(None, "person", "started_at"),
    sa.Index(None, "contact_id"),
    sa.Index(None, "fcr_state", "ended_at"),
    sa.Index(
        "ix_calls_repeat_call_id",
        "repeat_call_id",
        sqlite_where=sa.text("repeat_call_id IS NOT NULL"),
        postgresql_where=sa.text("repeat_call_id IS NOT NULL"),
    ),
)

legs = sa.Table(
    "legs",
    metadata,
    _text("call_id", primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    _text("leg_id"),
    _text("agent", nullable=False),
    _text("team"),
    _text("queue"),
    sa.Column("started_at", Instant, nullable=False),  # the call's start: figures of legs count where their call counts
    sa.Column("answered_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    _seconds("ring_seconds"),
    _seconds("talk_seconds"),
    _seconds("hold_seconds"),
    _seconds("wrap_up_seconds"),
    _seconds("handle_seconds"),
    _flag("wrap_up_capped"),
    _flag("wrap_up_pending"),
    _text("ended"),
    _text("disposition"),
    sa.Column("resolved", sa.Boolean),
    sa.Index(None, "agent", "started_at"),
    sa.Index(None, "started_at"),
)

visits = sa.Table(
    "visits",
    metadata,
    _text("call_id", primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    _text("queue", nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    _seconds("waited_seconds"),
    _text("result", nullable=False),  # answered, abandoned, diverted, callback, solved, waiting, unknown
    _text("cause"),  # the journal's own word: no_answer, closed, full, left …
    sa.Index(None, "queued_at"),
    sa.Index(None, "queue", "queued_at"),
)

surveys = sa.Table(
    "surveys",
    metadata,
    _text("call_id", primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    _text("question", nullable=False),
    _text("scale"),
    _text("direction"),
    _text("answer"),
    _text("mode"),
)

issues = sa.Table(
    "issues",
    metadata,
    _text("call_id", primary_key=True),
    _text("topic", primary_key=True),  # intent group
    _text("entity", primary_key=True, server_default=""),
    _text("intent", nullable=False),
    _text("person"),
    _text("contact_id", nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Index(None, "person", "topic", "started_at"),
    sa.Index(None, "intent", "started_at"),
)

events = sa.Table(
    "events",
    metadata,
    _text("call_id", primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    _text("kind", nullable=False),
    sa.Column("data", Document, nullable=False),
    sa.Index(None, "at"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=True),
    _text("call_id", nullable=False),
    _text("field", nullable=False),
    sa.Column("value", Document),
    _text("reason", nullable=False),
    _text("by", nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index(None, "call_id"),
)

agent_states = sa.Table(
    "agent_states",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=True),
    _text("agent", nullable=False),
    _text("team"),
    sa.Column("at", Instant, nullable=False),
    _text("state", nullable=False),
    _text("reason"),
    _text("call_id"),
    sa.Index(None, "agent", "at"),
    sa.Index(None, "at"),
)

rollup_dirty = sa.Table(
    "rollup_dirty",
    metadata,
    sa.Column("half_hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column(
        "marks", sa.Integer, nullable=False, server_default="1"
    ),  # raised by every change: who recomputed an older one leaves it marked
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _text("delivery_id", primary_key=True),
    _text("kind", nullable=False),  # call.completed, call.updated, survey.alert
    _text("call_id"),
    _text("url", nullable=False),
    _text("body", nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("due_at", Instant),  # NULL: delivered or given up
    _count("tries"),
    _text("result"),
    sa.Index(None, "due_at"),
    sa.Index(None, "call_id"),
)

utterances = sa.Table(
    "utterances",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=True),
    _text("call_id", nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    _text("language"),
    _text("step"),
    _text("text", nullable=False),  # redacted
    _text("best"),
    sa.Column("confidence", sa.Float(53)),
    _text("result", nullable=False),  # understood, confirmed, unsure, not_understood, corrected
    _text("queue"),  # where the call ended up: a hint at what was meant
    _text("label"),  # what a person said it means; "-" = dismissed
    _text("labelled_by"),
    sa.Column("labelled_at", Instant),
    sa.UniqueConstraint("call_id", "seq"),
    sa.Index(None, "at"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    _text("token_id", primary_key=True),
    _text("name", nullable=False),
    _text("digest", nullable=False, unique=True),  # SHA-256: the token itself is shown once and kept nowhere
    _text("role", nullable=False),
    sa.Column("scopes", Document, nullable=False),
    _text("person"),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("used_at", Instant),
)

people = sa.Table(
    "people",
    metadata,
    _text("name", primary_key=True),
    _text("password", nullable=False),  # argon2id
    _text("role", nullable=False),
    _text("agent"),  # the agent this person is, for the desk
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("disabled_at", Instant),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),  # raised to end all sessions
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    _text("who", nullable=False),
    _text("action", nullable=False),
    _text("target"),
    sa.Column("detail", Document),
    _text("came_from"),
    _text("chain", nullable=False),  # SHA-256 over the previous row's and this row's content
    sa.Index(None, "at"),
)

report_runs = sa.Table(
    "report_runs",
    metadata,
    _text("name", primary_key=True),
    sa.Column("due_at", Instant, primary_key=True, autoincrement=False),
    sa.Column("claimed_until", Instant, nullable=False),
    sa.Column("done_at", Instant),
    _text("result"),
)
