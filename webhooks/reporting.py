"""The API put together for a line."""

from __future__ import annotations

from flask import Blueprint

from ivr.cli.rehearsing import trials_for_publishing
from ivr.jobs.reasons import why
from ivr.jobs.wiring import Line
from webhooks.api.blueprint import api_blueprint
from webhooks.api.context import ApiContext
from webhooks.callback_desk import CallbackDesk
from webhooks.floor import Floor
from webhooks.flow_desk import FlowDesk
from webhooks.talk_desk import TalkDesk


def reporting_blueprint(line: Line) -> Blueprint:
    """Everything under /api."""
    # A publish by API runs the flow tests as `ivr flows publish` does.
    line.revisions.run_tests = trials_for_publishing(line.settings.config_dir, line.settings.models_dir)
    return api_blueprint(
        ApiContext(
            store=line.store,
            clock=line.now,
            live=Floor(line),
            callbacks=CallbackDesk(line),
            flows=FlowDesk(line.revisions),
            talks=TalkDesk(line),
            why=lambda call_id: why(line.board, line.calls, line.store.row, call_id),
        )
    )
