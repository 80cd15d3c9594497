"""Alive, ready, metrics."""

from __future__ import annotations

import os
import time

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ivr.errors import IvrError
from ivr.jobs.wiring import Line

OPEN_CALLS = Gauge("ivr_calls_open", "Calls in progress.", multiprocess_mode="mostrecent")
COMMANDS = Gauge("ivr_commands_waiting", "Carrier commands waiting to be carried out.", multiprocess_mode="mostrecent")
WAITING = Gauge("ivr_waiting_calls", "Callers waiting, by queue.", ["queue"], multiprocess_mode="mostrecent")
FREE = Gauge("ivr_agents", "Agents by state.", ["state"], multiprocess_mode="mostrecent")


def health_blueprint(line: Line) -> Blueprint:
    """`/healthz`, `/readyz` and `/metrics`: no secrets, no numbers of callers."""
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @health.get("/readyz")
    def readyz() -> tuple[Response, int]:
        started = time.monotonic()
        checks = line.checks()
        ready = all(answer == "ok" for answer in checks.values())
        body = jsonify(status="ready" if ready else "not ready", checks=checks, seconds=round(time.monotonic() - started, 3))
        return body, 200 if ready else 503

    @health.get("/metrics")
    def metrics() -> Response:
        try:
            OPEN_CALLS.set(line.calls.open_count())
            COMMANDS.set(line.outbox.length())
            now = line.board.snapshot()
            for queue in now.queues:
                WAITING.labels(queue.queue_id).set(queue.waiting)
            states: dict[str, int] = {}
            for agent in now.agents:
                states[agent.state] = states.get(agent.state, 0) + 1
            for state in (*states, "available", "talking"):
                FREE.labels(state).set(states.get(state, 0))
        except (IvrError, OSError):
            OPEN_CALLS.set(float("nan"))
        return Response(generate_latest(_everywhere()), content_type=CONTENT_TYPE_LATEST)

    return health


def _everywhere() -> CollectorRegistry:
    """The figures of all web workers together, where several share a folder; else this process's own."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
