"""A call's record tells of the caller's talks with numbers outside."""

import sqlalchemy as sa
from alembic import op

from ivr.records import columns

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("calls", sa.Column("outside_talks", columns.Document()))


def downgrade() -> None:
    op.drop_column("calls", "outside_talks")
