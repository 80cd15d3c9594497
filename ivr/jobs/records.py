"""RQ jobs about records, thin: fetch, call one function, store. Each may run twice without harm."""

from __future__ import annotations

import structlog

from ivr.jobs.wiring import line_of_this_process
from ivr.records.saving import close_call as save_record

log = structlog.get_logger()


def close_call(call_id: str) -> str | None:
    """Compute a call's record from its journal and keep it in SQL; the journal stays until that is done."""
    line = line_of_this_process()
    notes = line.calls.journal(call_id)
    if not notes:
        line.calls.recorded(call_id, 0)
        return None
    record = save_record(line.store, notes, line.now())
    line.calls.recorded(call_id, len(notes))
    return record.call_id


def train_intents() -> str | None:
    """Train where config/intents.yaml changed; web processes take the new model up by themselves."""
    from ivr.intents.training import ensure_current

    line = line_of_this_process()
    version = ensure_current(line.settings.config_dir, line.settings.models_dir)
    if version:
        log.info("intents trained", version=version)
    return version
