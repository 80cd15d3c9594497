"""Calls that the carrier had and we did not: nothing of ours answered when they came, and nothing when they ended.

Everything that tells of a call may be lost together: Redis hung at both moments, the whole service was down for ten minutes. The
carrier's own list says which calls there were; each gets its record, marked as inferred.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from ivr import keys
from ivr.carriers.twilio.read import read_arrival
from ivr.jobs.ending import arrived_unheard, call_over

if TYPE_CHECKING:
    from ivr.carriers.twilio.client import PastCall
    from ivr.jobs.wiring import Line

log = structlog.get_logger()

SETTLED = timedelta(seconds=20)  # what ended just now is still being told
LOOK_BACK = timedelta(hours=6)
LONGEST_CALL = timedelta(minutes=30)  # without any document of ours a call does not last: at most it talks to the fallback number


def compare(line: Line) -> list[str]:
    """Write down the calls that ended since the last look and that nobody here knows of; returns their ids. Raises CarrierError."""
    now = line.now()
    kept = line.redis.get(keys.COMPARED)
    until = now - SETTLED
    # The first look begins here and now: what the account did before is not ours to tell.
    since = max(datetime.fromtimestamp(float(str(kept)), UTC), now - LOOK_BACK) if kept else until
    found = [
        call.call_id
        for call in line.carrier.past_calls(since - LONGEST_CALL)
        if since <= call.ended_at < until and _write_down(line, call)
    ]
    line.redis.set(keys.COMPARED, str(until.timestamp()))
    if found:
        log.warning("calls that only the carrier knew", calls=len(found), first=found[0])
    return found


def _write_down(line: Line, call: PastCall) -> bool:
    if line.redis.exists(keys.session(call.call_id)):
        return False
    numbers = line.configuration.numbers
    form = {"From": call.from_number, "To": call.to_number, "Direction": call.direction}
    arrived = read_arrival(form, call.call_id, call.began_at, shared=numbers.shared, home_region=numbers.home_region)
    if not arrived_unheard(line, arrived):
        return False
    call_over(line, call.call_id, call.status, call.seconds, inferred=True, at=call.ended_at)
    return True
