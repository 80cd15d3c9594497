"""The names that broken flows are checked against: a small invented configuration."""

from __future__ import annotations

from ivr.language.names import Connector, Names

ORDER = {"number": "digits", "status": "text", "due": "date", "total": "money"}

NAMES = Names(
    queues=frozenset({"general", "technical"}),
    skills=frozenset({"english", "spanish", "technical"}),
    agents_skills=({"english": 3, "technical": 1}, {"english": 1, "spanish": 3}, {"technical": 3, "english": 2}),
    intents=frozenset({"order_status", "pay_bill", "speak_to_someone"}),
    connectors={"order_status": Connector(("number",), ORDER)},
    facts={"customer": {"first_name": "text", "tier": "text", "language": "text"}, "order": ORDER},
    directory=frozenset({"head_office"}),
    audio=frozenset({"welcome.wav"}),
    languages=frozenset({"en-GB", "es-ES"}),
)
