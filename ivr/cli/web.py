"""`ivr web`: gunicorn with the application loaded once and shared by its workers."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication


class WebServer(BaseApplication):  # type: ignore[misc]
    """Threads in a few processes; the application (with the speech model) is built before forking."""

    def __init__(self, build: Any, bind: str, workers: int, threads: int) -> None:
        self._build = build
        self._settings = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 75,
            "reuse_port": True,  # after a kill -9 the old workers hold the port for seconds: the new ones need not wait for them
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
            "post_fork": _after_fork,
            "child_exit": _worker_gone,
            "worker_exit": _leave_at_once,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        application = self._build()
        # What is loaded once stays out of the collector's way, so that forked workers go on sharing its pages.
        gc.collect()
        gc.freeze()
        return application


def _after_fork(server: Any, worker: Any) -> None:
    application = server.app.wsgi()
    application.config["AFTER_FORK"]()


def _leave_at_once(server: Any, worker: Any) -> None:
    # The speech model was loaded before forking: its native threads exist only in the parent, and taking it apart here would abort.
    os._exit(0)


def _worker_gone(server: Any, worker: Any) -> None:
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def share_metrics(folder: Path) -> None:
    """Let all workers' counters be added up. Has to run before prometheus_client is imported."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
