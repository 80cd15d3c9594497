"""The web application: the wiring of routes, in one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, send_from_directory

from ivr.errors import SettingError
from ivr.jobs.wiring import Line, open_line
from ivr.settings import Settings
from webhooks.access import MOST_BODY_BYTES, Gate
from webhooks.callback_page import callback_blueprint
from webhooks.calls import voice_blueprint
from webhooks.health import health_blueprint
from webhooks.reporting import reporting_blueprint
from webhooks.texts import text_blueprint

log = structlog.get_logger()

_MOST_API_BYTES = 1024 * 1024


def create_app(settings: Settings, line: Line | None = None) -> Flask:
    """The application for `settings`. Raises SettingError where the carrier's account is missing: unsigned calls are never taken."""
    if not settings.account_sid or not settings.auth_tokens:
        raise SettingError(
            "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are missing: expected the carrier account; without one use `ivr demo`"
        )
    line = line or open_line(settings)
    application = Flask(__name__, static_folder=None)
    application.config["MAX_CONTENT_LENGTH"] = _MOST_API_BYTES
    application.config["MAX_FORM_PARTS"] = 500
    application.config["MAX_FORM_MEMORY_SIZE"] = MOST_BODY_BYTES
    application.config["AFTER_FORK"] = line.after_fork
    application.config["LINE"] = line
    gate = Gate(settings, line.links)
    application.register_blueprint(voice_blueprint(line, gate, line.links))
    application.register_blueprint(text_blueprint(line, gate))
    application.register_blueprint(callback_blueprint(line))
    application.register_blueprint(health_blueprint(line))
    application.register_blueprint(reporting_blueprint(line))
    own_audio = settings.flows_dir / "audio"
    house_audio = Path(__file__).parent / "audio"

    @application.get("/audio/<path:name>")
    def audio(name: str) -> Response:
        """Recordings of the flows, and the house's waiting music."""
        if (own_audio / name).is_file() or name not in ("hold.wav", "music/waiting.wav"):
            return send_from_directory(own_audio, name, max_age=3600)
        return send_from_directory(house_audio, "waiting.wav", max_age=3600)

    @application.get("/")
    def front() -> Any:
        """Where to go from here."""
        return {"service": "smart-ivr", "docs": "/api/docs", "health": "/healthz", "ready": "/readyz"}

    return application
