"""The schema's history, applied by `ivr db upgrade` and, for SQLite and empty databases, on start."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ivr.errors import RecordError
from ivr.records.tables import metadata


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(resources.files(__name__)))))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


@cache
def newest() -> str:
    """The revision that this program expects. Reading the scripts takes milliseconds, and every readiness check asks."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RecordError("this installation has no migrations: install it again")
    return head


def current(connection: sa.Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def is_newer(revision: str | None) -> bool:
    """True for the revision of a later program."""
    return revision is not None and revision not in _known()


def upgrade(connection: sa.Connection, to: str = "head") -> tuple[str | None, str]:
    """Bring the database to `newest()`, or to the earlier revision `to`; gives the revision before and after. Several processes may start
    at once: one does it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7214531)"))
    before = current(connection)
    if is_newer(before):
        raise RecordError(f"the database is at revision {before}, which is newer than this program: install the newer version")
    if before != newest():
        command.upgrade(_config(connection), to)
    return before, current(connection) or ""
