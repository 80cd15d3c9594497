"""Who called again with this call: found without reading every call."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    told = sa.text("repeat_call_id IS NOT NULL")
    op.create_index("ix_calls_repeat_call_id", "calls", ["repeat_call_id"], sqlite_where=told, postgresql_where=told)


def downgrade() -> None:
    op.drop_index("ix_calls_repeat_call_id", table_name="calls")
