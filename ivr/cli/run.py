"""Starting the service: `ivr demo`, `serve`, `web`, `worker`, `clock`."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from ivr import logs
from ivr.settings import read_settings

HOST = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
PORT = click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")


@click.command()
@HOST
@PORT
@click.option("--carrier-port", default=0, type=click.IntRange(0, 65535), help="Port of the local carrier (0: a free one).")
@click.option("--speed", default=1.0, show_default=True, help="How much faster than life ringing, silence and talking go.")
def demo(host: str, port: int, carrier_port: int, speed: float) -> None:
    """Everything on one machine: a real Redis started for it, SQLite, web, worker, clock, the local carrier, sample data.

    Then call it with `ivr phone` in a second terminal. Ctrl-C stops every process it started.

    Example: ivr demo
    """
    from ivr.jobs.one_machine import run_demo

    run_demo(host, port, carrier_port, speed)


@click.command()
@HOST
@PORT
def serve(host: str, port: int) -> None:
    """Everything on one machine against the carrier that the environment names: web, worker, clock.

    Starts an embedded Redis only where REDIS_URL is not set.

    Example: ivr serve --host 0.0.0.0 --port 8080
    """
    from ivr.jobs.one_machine import run_serve

    run_serve(host, port)


@click.command()
@HOST
@PORT
@click.option("--workers", type=click.IntRange(1, 64), help="Processes [default: IVR_WEB_WORKERS or 2].")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of each [default: IVR_WEB_THREADS or 16].")
def web(host: str, port: int, workers: int | None, threads: int | None) -> None:
    """One web process with its workers. Needs REDIS_URL.

    Example: ivr web --host 0.0.0.0 --port 8080 --workers 4
    """
    settings = read_settings(port=port)
    logs.configure(settings.log_level)
    from ivr.cli.web import WebServer, share_metrics
    from ivr.jobs.supervisor import require_free

    require_free(host, port)
    share_metrics(settings.data_dir / f"metrics-{port}")

    def build() -> Any:
        from webhooks.app import create_app

        return create_app(settings)

    WebServer(build, f"{host}:{port}", workers or settings.web_workers, threads or settings.web_threads).run()


@click.command()
@click.option("--burst", is_flag=True, help="Stop when there is nothing left to do.")
def worker(burst: bool) -> None:
    """One worker for background jobs: records, training, reports. Needs REDIS_URL.

    Example: ivr worker
    """
    from ivr.jobs.worker import run_worker

    settings = read_settings()
    logs.configure(settings.log_level)
    run_worker(settings, burst=burst)


@click.command()
def clock() -> None:
    """One clock: carrier commands, sweeps, periodic work. Several may run; each task is done by one at a time. Needs REDIS_URL.

    Example: ivr clock
    """
    from ivr.jobs.clock import Clock

    settings = read_settings()
    logs.configure(settings.log_level)
    ticking = Clock(settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ticking.stop.set())
    ticking.run()
    os._exit(0)  # threads that wait for the carrier must not keep the process alive
