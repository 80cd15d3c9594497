"""Flow revisions, drafts, and tries of identification."""

from alembic import op

from ivr.records.revision_tables import TABLES

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in TABLES:
        table.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    for table in reversed(TABLES):
        table.drop(op.get_bind(), checkfirst=True)
