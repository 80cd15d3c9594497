"""Text messages: questions after a call, messages that came in, who wants none."""

from alembic import op

from ivr.records.texting_tables import TABLES

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in TABLES:
        table.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    for table in reversed(TABLES):
        table.drop(op.get_bind(), checkfirst=True)
