"""Text messages: questions after a call, messages that came in, who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "text_surveys",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("contact_id", name="pk_text_surveys"),
    )
    op.create_index("ix_text_surveys_state_due_at", "text_surveys", ["state", "due_at"])
    op.create_index("ix_text_surveys_subject_due_at", "text_surveys", ["subject", "due_at"])
    op.create_table(
        "texts_in",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", name="pk_texts_in"),
    )
    op.create_index("ix_texts_in_subject_at", "texts_in", ["subject", "at"])
    op.create_index("ix_texts_in_at", "texts_in", ["at"])
    op.create_table(
        "text_stops",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_text_stops"),
    )


def downgrade() -> None:
    for table in ("text_stops", "texts_in", "text_surveys"):
        op.drop_table(table)
