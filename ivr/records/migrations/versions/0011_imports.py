"""Rows of an import wait in a table of their own until the whole file is known to be good."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("place", sa.Text()),
        sa.Column("first_at", sa.BigInteger()),
        sa.Column("last_at", sa.BigInteger()),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", name="pk_imports"),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger()),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "n", name="pk_import_rows"),
    )
    op.create_index("ix_import_rows_call_id", "import_rows", ["import_id", "call_id"], unique=True)
    op.create_index("ix_import_rows_person", "import_rows", ["import_id", "person"])


def downgrade() -> None:
    op.drop_table("import_rows")
    op.drop_table("imports")
