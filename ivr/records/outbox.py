"""Outgoing webhooks: written with the record in one transaction, delivered at least once, signed, tried again until given up.

Body: `{"id", "type", "at", "call"}`; headers `Ivr-Delivery` (the id, the same on every try), `Ivr-Timestamp` (Unix seconds) and
`Ivr-Signature` (`v1=` and the hexadecimal HMAC-SHA256 of `TIMESTAMP.BODY` under the subscription's secret).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from ivr.records.database import insert_into
from ivr.records.record import CallRecord
from ivr.records.rows import public_row
from ivr.records.store import Store
from ivr.records.subscriptions import Subscription
from ivr.records.tables import calls, deliveries

TRY_AGAIN_SECONDS = (5, 30, 120, 600, 1800, 7200, 21600, 43200)
_BATCH = 50


def announce(
    connection: sa.Connection, subscriptions: tuple[Subscription, ...], record: CallRecord, *, first: bool, now: datetime
) -> None:
    """Write down what subscribers shall hear of this record; the same happening is announced once, however often it is saved."""
    if not subscriptions or record.ended_at is None:
        return
    row = connection.execute(sa.select(calls).where(calls.c.call_id == record.call_id)).mappings().one()
    shown = public_row(dict(row), masked=False)
    rows = []
    for subscription in subscriptions:
        for kind, mark in _happenings(subscription, record, row, first):
            delivery_id = hashlib.sha256(f"{subscription.url} {kind} {record.call_id} {mark}".encode()).hexdigest()[:32]
            body = json.dumps(
                {"id": delivery_id, "type": kind, "at": now.isoformat(), "call": shown}, separators=(",", ":"), default=str
            )
            rows.append(
                {
                    "delivery_id": delivery_id,
                    "kind": kind,
                    "call_id": record.call_id,
                    "url": subscription.url,
                    "body": body,
                    "made_at": now,
                    "due_at": now,
                    "tries": 0,
                }
            )
    if rows:
        connection.execute(insert_into(connection, deliveries).on_conflict_do_nothing(), rows)


def _happenings(subscription: Subscription, record: CallRecord, row: Any, first: bool) -> list[tuple[str, str]]:
    """Kinds to send and a mark that is equal for equal happenings."""
    found = []
    if "call.completed" in subscription.kinds:
        found.append(("call.completed", ""))
    if "call.updated" in subscription.kinds and not first:
        found.append(("call.updated", row["updated_at"].isoformat()))
    if "survey.alert" in subscription.kinds:
        for question, limit in subscription.alert_below.items():
            score = row[question] if question in ("csat", "nps", "ces") else None
            if score is not None and score < limit:
                found.append(("survey.alert", f"{question} {score:g}"))
    return found


def sign(secret: str, timestamp: int, body: str) -> str:
    """The value of the `Ivr-Signature` header."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()


def deliver_due(store: Store, now: datetime, client: httpx.Client) -> int:
    """Send what is due; gives how many were delivered. Run by a leased periodic job.

    Each is claimed (put off) before it is sent: a process that dies in between sends it again later, two never send at once.
    """
    delivered = 0
    secrets = {s.url: s.secret for s in store.subscriptions}
    with store.writing() as connection:
        due = sa.select(deliveries).where(deliveries.c.due_at <= now).order_by(deliveries.c.due_at).limit(_BATCH)
        rows = (
            connection.execute(due.with_for_update(skip_locked=True) if store.dialect == "postgresql" else due).mappings().all()
        )
        for row in rows:
            again = now + timedelta(seconds=TRY_AGAIN_SECONDS[min(row["tries"], len(TRY_AGAIN_SECONDS) - 1)])
            connection.execute(
                deliveries.update().where(deliveries.c.delivery_id == row["delivery_id"]),
                {"due_at": again, "tries": row["tries"] + 1},
            )
    for row in rows:
        result, done = _send(client, row, secrets.get(row["url"]), now)
        given_up = row["tries"] + 1 >= len(TRY_AGAIN_SECONDS)
        values: dict[str, Any] = {"result": result if done or not given_up else f"given up: {result}"}
        if done or given_up or row["url"] not in secrets:
            values["due_at"] = None
        with store.writing() as connection:
            connection.execute(deliveries.update().where(deliveries.c.delivery_id == row["delivery_id"]), values)
        delivered += done
    return delivered


def _send(client: httpx.Client, row: Any, secret: str | None, now: datetime) -> tuple[str, bool]:
    """What came of one try, in a few words, and whether it was taken (any 2xx)."""
    if secret is None:
        return "no longer subscribed", False
    stamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "Ivr-Delivery": row["delivery_id"],
        "Ivr-Timestamp": str(stamp),
        "Ivr-Signature": sign(secret, stamp, row["body"]),
    }
    try:
        answer = client.post(row["url"], content=row["body"], headers=headers, timeout=5.0, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"[:200], False
    return f"HTTP {answer.status_code}", answer.is_success
