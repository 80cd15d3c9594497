"""The intents inbox over the call records' database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ivr.intents.inbox import Utterance
from ivr.records.store import Store
from ivr.records.utterances import label_utterances, utterances_since


class KeptUtterances:
    """Implements `ivr.intents.inbox.Utterances`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def since(self, moment: datetime, most: int = 5000) -> list[Utterance]:
        """Newest first."""
        return [Utterance(**row) for row in utterances_since(self.store, moment, most)]

    def label(self, numbers: Sequence[int], label: str, by: str, at: datetime) -> None:
        """Note what they mean."""
        label_utterances(self.store, numbers, label, by, at)
