"""From a node of the file to the value of a setting: one reader per `Kind`, each with its own sentences.

A reader tells every mistake inside its node, pointing at the value, and raises `Unread` only where no value remains. What can be
used of a list with a broken item is kept, so that the rules that look at meaning see as much as possible in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ivr.language.fields import Kind, Setting
from ivr.language.readers import blocks, plain, spoken
from ivr.language.readers.node import Reading, Unread, kept, text_of
from ivr.language.source import Node


def read_setting(node: Node, setting: Setting, reading: Reading) -> Any:
    """The value of one setting; raises `Unread`."""
    return READERS[setting.kind](node, setting, reading)


READERS: dict[Kind, Callable[[Any, Any, Reading], Any]] = {
    Kind.PROMPT: spoken.read_prompt,
    Kind.REPROMPTS: spoken.read_reprompts,
    Kind.CONDITION: spoken.read_expression,
    Kind.EXPRESSION: spoken.read_expression,
    Kind.DURATION: plain.read_duration,
    Kind.NUMBER: plain.read_number,
    Kind.WHOLE: plain.read_whole,
    Kind.FLAG: plain.read_flag,
    Kind.CHOICE: plain.read_choice,
    Kind.CHOICES: plain.read_choices,
    Kind.TEXT: plain.read_text,
    Kind.NAME: plain.read_name,
    Kind.FACT_FIELD: plain.read_fact_field,
    Kind.STEP: plain.read_step,
    Kind.MENU_OPTIONS: blocks.read_menu_options,
    Kind.DECISIONS: blocks.read_decisions,
    Kind.NEEDS: blocks.read_needs,
    Kind.RINGS: blocks.read_rings,
    Kind.VALUED: blocks.read_valued,
    Kind.OFFER: blocks.read_offer,
    Kind.ARGUMENTS: spoken.read_expressions,
    Kind.ASSIGNMENTS: spoken.read_expressions,
}

__all__ = ["READERS", "Reading", "Unread", "kept", "read_setting", "text_of"]
