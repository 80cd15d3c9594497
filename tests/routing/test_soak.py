"""A short soak: processes killed with -9 while they work, messages duplicated, late and lost. The long one is benchmarks/routing_soak.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[2] / "benchmarks" / "routing_soak.py"


def test_no_agent_in_two_calls_and_no_caller_lost_under_kill_9() -> None:
    command = [sys.executable, str(SOAK), "--matches", "800", "--processes", "4", "--agents", "60", "--speed", "60", "--json"]
    ended = subprocess.run([*command, "--kill-every", "0.4"], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)
    print(found)
    assert found["matches"] >= 800 and found["kills"] >= 3
    assert found["violations"] == [] and found["lost_calls"] == [] and found["held_in_the_end"] == 0
    assert found["longest_lease_overrun_seconds"] <= 1.0
