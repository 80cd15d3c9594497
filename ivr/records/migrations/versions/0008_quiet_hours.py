"""A survey that waits for the morning knows until when it may be asked at all."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("text_surveys", sa.Column("latest_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("text_surveys", "latest_at")
