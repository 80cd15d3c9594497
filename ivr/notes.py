"""What a call's journal holds: raw events from which every record and figure is computed.

A `Note` is appended once and never changed. The kinds, with the fields of `data` (units in names; times RFC 3339 UTC; None
where unknown). Kinds marked * come from the engine, the others from the switchboard (queues, agents, carrier).

    kind            data
    Arrived         from_number, caller_kind, to_number, direction, attestation, forwarded_from, flow, revision, language, contact_id
    Recognised*     customer_id, customer_name, segment, language, method      who the caller is taken for, and how
    Identified*     method (pin | order_number), ok, tries             step-up identification
    LanguageSet*    language
    StepEntered*    flow, step, kind, visit
    Prompted*       step, text, language, audio                        what the caller heard (secret values as "…")
    Heard*          step, mode (speech | keys), text (redacted), sureness, language
    Silence*        step, tries
    NotUnderstood*  step, tries, text (redacted), best (intent), confidence
    Understood*     step, intent, confidence, band (accept | confirmed | key | choice), entity, model
    Unsure*         step, text (redacted), candidates [[intent, confidence], …]      asked back: confirm or choice
    AlsoWanted*     step, intent, wanted (true: heard beside the wish that was followed | false: turned down when it was offered)
    Corrected*      step, intent                                       the caller said no to a confirmation
    SlotFilled*     fact, value (secret: "…"), source (asked | heard_with_intent | known)
    Reasked*        fact                                               asked for what was already known
    LookedUp*       connector, result (found | not_found | failed), ms, cached
    MissingFact*    step, fact                                         an expression or prompt met a missing fact
    GoalReached*    goal (step name), intent, entity, confirmed        self-service answered what the caller asked
    Answered*       question, helped (true | false | null)             knowledge answer (step `answer`)
    Charged*        result, amount, currency, confirmation, card_type, last_four
    Surveyed*       question, scale, direction (up | down), answer, mode (voice | keys | text)
    SurveyAsked     mode (text)                                        asked for a rating after the call
    SurveyUndelivered   mode (text), status, code                      nobody was asked: the text did not arrive
    Consented*      what (recording), given
    VoicemailLeft*  url, seconds, queue
    Texted*         text, result (sent | refused | undelivered), code  a text message to the caller (step `text`)
    Commanded*      step, command (agent | repeat | help | main_menu | wait)   a universal command
    Failed*         where, error                                       something broke inside; the caller was taken on politely
    Queued          queue, needs, head_start_seconds, position, open, staffed
    Offered         queue, agent, reservation, leg_id
    OfferEnded      queue, agent, reservation, leg_id, result (no_answer | rejected | busy | failed | unreachable | lost | caller_left), ring_seconds
    Connected       queue, agent, team, reservation, leg_id, ring_seconds    the agent accepted and hears the caller; `team`: then, not today's
    HoldStarted / HoldEnded     leg_id, agent
    LegEnded        leg_id, agent (none: somebody outside), reason (agent_hung_up | caller_hung_up | transferred | failed)
    TransferStarted leg_id, agent, to_kind (agent | queue | number), to, warm    the step `transfer`* writes both without leg and agent
    TransferEnded   leg_id, result (completed | cancelled | failed), seconds (of the talk with a number outside that was not asked first)
    SupervisionStarted / SupervisionEnded     supervisor, mode (listen | whisper | barge), by
    Concluded       leg_id, agent, disposition, resolved               what came of a talk, said during it or afterwards
    Dequeued        queue, result (answered | no_answer | closed | nobody | full | callback | solved | left | diverted | hung_up | failed), waited_seconds
    WrappedUp       leg_id, agent, started_at, ended_at, seconds, capped, disposition, resolved
    CallbackPlaced  callback_id, queue, number, at
    CallbackMoved   callback_id, queue, at, by
    CallbackDialled callback_id, attempt, leg_id
    CallbackEnded   callback_id, result (talked | no_answer | busy | failed | cancelled | gave_up)
    RecordingKept   url, seconds
    LeftFlow*       reason (hangup | hung_up_by_caller | handed_over | failed), flow, step
    Ended           ended_by (caller | agent | system | carrier), status, inferred
    Late            of (kind), delivered_at                            a fact that arrived after the call was closed
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

KINDS = frozenset(
    {
        line.split()[0].rstrip("*")
        for line in (__doc__ or "").splitlines()
        if line.startswith("    ") and line.strip()[0].isupper()
    }
    | {"HoldEnded", "SupervisionEnded"}
)


@lru_cache(maxsize=64)
def _moment(at: datetime) -> str:
    """A time as it is written; the notes of a turn share theirs."""
    return at.isoformat()


@dataclass(frozen=True)
class Note:
    """One line of a call's journal. `seq` counts from 1 within the call (0: not yet written)."""

    call_id: str
    kind: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    seq: int = 0

    def to_json(self) -> str:
        """Compact JSON without `seq`, which is the note's place in the list."""
        return to_json({"kind": self.kind, "at": _moment(self.at), "data": self.data}).decode()

    @classmethod
    def from_json(cls, call_id: str, seq: int, text: str) -> Note:
        """Read a line of the journal of `call_id`."""
        plain = json.loads(text)
        return cls(call_id, plain["kind"], datetime.fromisoformat(plain["at"]), plain["data"], seq)
