"""Every key of routing is documented, and stays within its group's hash tag."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from routing.keys import SUFFIXES, Keys

ROOT = Path(__file__).parents[2]


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "redis-keys.md").read_text()
    section = text[text.index("## Queues and agents") :].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z:]+)` \|", section, re.MULTILINE)) == set(SUFFIXES.values())


def test_scripts_use_only_keys_of_their_group() -> None:
    keys = Keys("north")
    for path in (ROOT / "routing" / "lua").glob("*.lua"):
        filled = keys.fill(path.read_text().replace("$LOG_LENGTH", "1").replace("$OCCUPANCY_STEP", "1"))
        assert "$" not in re.sub(r"'[^']*'|--.*", "", filled), path.name
        assert set(re.findall(r"'(routing:[^']*)'", filled)) <= {keys.of(name) for name in SUFFIXES}


@pytest.mark.parametrize("group", ["", "a}b", "a b", "x" * 65, "{a}"])
def test_a_group_that_would_break_the_tag_is_refused(group: str) -> None:
    with pytest.raises(ValueError, match="use letters, digits"):
        Keys(group)


def test_an_unknown_key_in_a_script_is_an_error() -> None:
    with pytest.raises(KeyError):
        Keys().fill("R('GET', $nonsense)")
