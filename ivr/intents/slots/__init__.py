"""Values heard in speech: `read_slot` for what was asked, `find_slots` for what stands in a sentence beside the intent."""

from __future__ import annotations

from ivr.intents.slots.reading import KINDS, find_slots, read_slot

__all__ = ["KINDS", "find_slots", "read_slot"]
