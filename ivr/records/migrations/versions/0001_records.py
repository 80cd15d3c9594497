"""Call records, figures, access."""

import sqlalchemy as sa
from alembic import op

from ivr.records import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent_states",
        sa.Column("n", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_agent_states")),
    )
    op.create_index(op.f("ix_agent_states_agent_at"), "agent_states", ["agent", "at"], unique=False)
    op.create_index(op.f("ix_agent_states_at"), "agent_states", ["at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("n", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("detail", columns.Document(), nullable=True),
        sa.Column("came_from", sa.Text(), nullable=True),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("is_contact", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=True),
        sa.Column("to_number", sa.Text(), nullable=True),
        sa.Column("caller_kind", sa.Text(), nullable=False),
        sa.Column("attestation", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("flow", sa.Text(), nullable=True),
        sa.Column("revision", sa.Text(), nullable=True),
        sa.Column("intents", columns.Document(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("queued_at", columns.Instant(), nullable=True),
        sa.Column("answered_at", columns.Instant(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("menu_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("queue_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("ring_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("talk_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("hold_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("wrap_up_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("handle_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("abandoned_where", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("transfers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("transferred_inside", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("by_callback", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("survey_resolved", sa.Boolean(), nullable=True),
        sa.Column("survey", columns.Document(), nullable=True),
        sa.Column("survey_offered", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("csat", sa.Float(precision=53), nullable=True),
        sa.Column("nps", sa.Float(precision=53), nullable=True),
        sa.Column("ces", sa.Float(precision=53), nullable=True),
        sa.Column("recording", columns.Document(), nullable=True),
        sa.Column("handled", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("asked", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("self_service", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("goal_confirmed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("reasked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("legs_handled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wrap_up_pending", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("contact_handled", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("contact_handle_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("fcr", sa.Boolean(), nullable=True),
        sa.Column("fcr_state", sa.Text(), nullable=False),
        sa.Column("fcr_excluded", sa.Text(), nullable=True),
        sa.Column("fcr_decided_at", columns.Instant(), nullable=True),
        sa.Column("repeat_seconds", sa.Float(precision=53), nullable=True),
        sa.Column("repeat_call_id", sa.Text(), nullable=True),
        sa.Column("return_seconds", sa.Float(precision=53), nullable=True),
        sa.Column("corrected", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("imported", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_agent_started_at"), "calls", ["agent", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_contact_id"), "calls", ["contact_id"], unique=False)
    op.create_index(op.f("ix_calls_fcr_state_ended_at"), "calls", ["fcr_state", "ended_at"], unique=False)
    op.create_index(op.f("ix_calls_from_number_started_at"), "calls", ["from_number", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_intent_started_at"), "calls", ["intent", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_person_started_at"), "calls", ["person", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_queue_started_at"), "calls", ["queue", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_started_at_call_id"), "calls", ["started_at", "call_id"], unique=False)
    op.create_index(op.f("ix_calls_updated_at_call_id"), "calls", ["updated_at", "call_id"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("n", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", columns.Document(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_corrections")),
    )
    op.create_index(op.f("ix_corrections_call_id"), "corrections", ["call_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_call_id"), "deliveries", ["call_id"], unique=False)
    op.create_index(op.f("ix_deliveries_due_at"), "deliveries", ["due_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "seq", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
    op.create_table(
        "issues",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), server_default="", nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "topic", "entity", name=op.f("pk_issues")),
    )
    op.create_index(op.f("ix_issues_intent_started_at"), "issues", ["intent", "started_at"], unique=False)
    op.create_index(op.f("ix_issues_person_topic_started_at"), "issues", ["person", "topic", "started_at"], unique=False)
    op.create_table(
        "legs",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("leg_id", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("answered_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("ring_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("talk_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("hold_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("wrap_up_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("handle_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("wrap_up_capped", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("wrap_up_pending", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "n", name=op.f("pk_legs")),
    )
    op.create_index(op.f("ix_legs_agent_started_at"), "legs", ["agent", "started_at"], unique=False)
    op.create_index(op.f("ix_legs_started_at"), "legs", ["started_at"], unique=False)
    op.create_table(
        "people",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("disabled_at", columns.Instant(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
    )
    op.create_table(
        "report_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", columns.Instant(), autoincrement=False, nullable=False),
        sa.Column("claimed_until", columns.Instant(), nullable=False),
        sa.Column("done_at", columns.Instant(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", "due_at", name=op.f("pk_report_runs")),
    )
    op.create_table(
        "rollup_dirty",
        sa.Column("half_hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marks", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("half_hour", name=op.f("pk_rollup_dirty")),
    )
    op.create_table(
        "rollups",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("half_hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("last_ended", columns.Instant(), nullable=True),
        sa.Column("contacts", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("handled", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("handle_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("answered", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("answer_wait_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("answered_in_target", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandon_wait_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned_in_target", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("short_abandoned", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned_in_menu", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned_in_queue", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned_while_ringing", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("abandoned_on_hold", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("transferred", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("reasked", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("self_service", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("contained", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("fcr_counted", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("fcr_excluded", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("fcr_provisional", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("fcr_resolved", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("no_repeat_24h", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("no_repeat_72h", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("no_repeat_7d", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("no_repeat_30d", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("combined_24h", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("combined_72h", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("combined_7d", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("combined_30d", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("disposed", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("disposed_resolved", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("asked_resolved", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("said_resolved", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("survey_offered", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("survey_answered", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("csat_answers", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("csat_top_two", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("nps_answers", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("nps_promoters", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("nps_detractors", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("ces_answers", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("ces_sum", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("legs", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_handle_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_talk_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_hold_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_wrap_up_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_wrap_up_pending", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("leg_wrap_up_capped", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_offered", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_answered", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_abandoned", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_diverted", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_callback", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_solved", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("visits_waiting", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("spread_contact_handle", sa.LargeBinary(), nullable=True),
        sa.Column("spread_leg_handle", sa.LargeBinary(), nullable=True),
        sa.Column("spread_answer_wait", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("dimension", "half_hour", "key", name=op.f("pk_rollups")),
    )
    op.create_index(op.f("ix_rollups_half_hour"), "rollups", ["half_hour"], unique=False)
    op.create_table(
        "surveys",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "n", name=op.f("pk_surveys")),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", columns.Document(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.Column("used_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_table(
        "utterances",
        sa.Column("n", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("best", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("labelled_by", sa.Text(), nullable=True),
        sa.Column("labelled_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_utterances")),
        sa.UniqueConstraint("call_id", "seq", name=op.f("uq_utterances_call_id_seq")),
    )
    op.create_index(op.f("ix_utterances_at"), "utterances", ["at"], unique=False)
    op.create_table(
        "visits",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("queued_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("waited_seconds", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "n", name=op.f("pk_visits")),
    )
    op.create_index(op.f("ix_visits_queue_queued_at"), "visits", ["queue", "queued_at"], unique=False)
    op.create_index(op.f("ix_visits_queued_at"), "visits", ["queued_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_visits_queued_at"), table_name="visits")
    op.drop_index(op.f("ix_visits_queue_queued_at"), table_name="visits")
    op.drop_table("visits")
    op.drop_index(op.f("ix_utterances_at"), table_name="utterances")
    op.drop_table("utterances")
    op.drop_table("tokens")
    op.drop_table("surveys")
    op.drop_index(op.f("ix_rollups_half_hour"), table_name="rollups")
    op.drop_table("rollups")
    op.drop_table("rollup_dirty")
    op.drop_table("report_runs")
    op.drop_table("people")
    op.drop_index(op.f("ix_legs_started_at"), table_name="legs")
    op.drop_index(op.f("ix_legs_agent_started_at"), table_name="legs")
    op.drop_table("legs")
    op.drop_index(op.f("ix_issues_person_topic_started_at"), table_name="issues")
    op.drop_index(op.f("ix_issues_intent_started_at"), table_name="issues")
    op.drop_table("issues")
    op.drop_index(op.f("ix_events_at"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_deliveries_due_at"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_call_id"), table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_corrections_call_id"), table_name="corrections")
    op.drop_table("corrections")
    op.drop_index(op.f("ix_calls_updated_at_call_id"), table_name="calls")
    op.drop_index(op.f("ix_calls_started_at_call_id"), table_name="calls")
    op.drop_index(op.f("ix_calls_queue_started_at"), table_name="calls")
    op.drop_index(op.f("ix_calls_person_started_at"), table_name="calls")
    op.drop_index(op.f("ix_calls_intent_started_at"), table_name="calls")
    op.drop_index(op.f("ix_calls_from_number_started_at"), table_name="calls")
    op.drop_index(op.f("ix_calls_fcr_state_ended_at"), table_name="calls")
    op.drop_index(op.f("ix_calls_contact_id"), table_name="calls")
    op.drop_index(op.f("ix_calls_agent_started_at"), table_name="calls")
    op.drop_table("calls")
    op.drop_index(op.f("ix_audit_at"), table_name="audit")
    op.drop_table("audit")
    op.drop_index(op.f("ix_agent_states_at"), table_name="agent_states")
    op.drop_index(op.f("ix_agent_states_agent_at"), table_name="agent_states")
    op.drop_table("agent_states")
