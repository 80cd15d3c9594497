"""PostgreSQL: the journal by month. What is there becomes the first partition as it is, without being copied."""

from datetime import UTC, datetime

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"


def _month_after(micros: int) -> int:
    at = datetime.fromtimestamp(micros / 1_000_000, UTC)
    following = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
    return int(following.timestamp()) * 1_000_000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    latest = connection.scalar(text("SELECT max(at) FROM events"))
    op.execute("ALTER TABLE events RENAME TO events_first")
    op.execute("ALTER TABLE events_first DROP CONSTRAINT pk_events")
    op.execute("ALTER INDEX ix_events_at RENAME TO ix_events_first_at")
    op.execute("CREATE TABLE events (LIKE events_first) PARTITION BY RANGE (at)")
    # A partitioned table's key holds what it is partitioned by; one note has one time.
    op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY (call_id, seq, at)")
    op.execute("CREATE INDEX ix_events_at ON events (at)")
    if latest is None:
        op.execute("DROP TABLE events_first")
    else:
        now = int(datetime.now(UTC).timestamp()) * 1_000_000
        until = _month_after(max(latest, now))
        op.execute(f"ALTER TABLE events ATTACH PARTITION events_first FOR VALUES FROM (MINVALUE) TO ({until})")
    op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE TABLE events_whole (LIKE events)")
    op.execute("INSERT INTO events_whole SELECT * FROM events")
    op.execute("DROP TABLE events")
    op.execute("ALTER TABLE events_whole RENAME TO events")
    op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY (call_id, seq)")
    op.execute("CREATE INDEX ix_events_at ON events (at)")
