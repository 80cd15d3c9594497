"""Rollups hold the squares of effort scores, from which their interval follows; half-hours with such answers are computed again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("rollups", sa.Column("ces_squares", sa.Float(53), nullable=False, server_default="0"))
    op.execute(
        "INSERT INTO rollup_dirty (half_hour, marks) SELECT half_hour, 1 FROM rollups WHERE dimension = '' AND ces_answers > 0"
        " AND half_hour NOT IN (SELECT half_hour FROM rollup_dirty)"
    )


def downgrade() -> None:
    op.drop_column("rollups", "ces_squares")
