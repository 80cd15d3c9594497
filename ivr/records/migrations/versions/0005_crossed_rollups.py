"""Rollups of two dimensions crossed: a second key. Sums that are there stay; the crossings are computed by the clock."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("rollups") as table:
        table.add_column(sa.Column("key2", sa.Text(), nullable=False, server_default=""))
        table.drop_constraint("pk_rollups", type_="primary")
        table.create_primary_key("pk_rollups", ["dimension", "half_hour", "key", "key2"])
    op.execute(
        "INSERT INTO rollup_dirty (half_hour, marks) SELECT half_hour, 1 FROM rollups WHERE dimension = ''"
        " AND half_hour NOT IN (SELECT half_hour FROM rollup_dirty)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM rollups WHERE dimension LIKE '%,%'")
    with op.batch_alter_table("rollups") as table:
        table.drop_constraint("pk_rollups", type_="primary")
        table.drop_column("key2")
        table.create_primary_key("pk_rollups", ["dimension", "half_hour", "key"])
