"""What became of a survey's text, and which numbers could not be reached."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("text_surveys", sa.Column("message_id", sa.Text()))
    op.add_column("text_surveys", sa.Column("delivery", sa.Text()))
    op.add_column("text_surveys", sa.Column("delivery_code", sa.Integer()))
    op.create_table(
        "text_unreachable",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_text_unreachable"),
    )


def downgrade() -> None:
    op.drop_table("text_unreachable")
    for column in ("delivery_code", "delivery", "message_id"):
        op.drop_column("text_surveys", column)
