"""Names of routing's keys in Redis, built here and nowhere else. docs/redis-keys.md lists them.

All keys of a routing group carry its hash tag `{group}`, so that a cluster keeps them on one node and a script touches one
node only. In the scripts `$name` stands for such a key, filled in by `Keys.fill`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

# name -> suffix. A suffix that ends in ":" is a family of keys, completed by an id.
SUFFIXES = {
    "config": "config",  # hash: version; a:<agent>, q:<queue>, s:<signature> -> JSON
    "agents": "agents",  # set: ids of configured agents
    "agent": "agent:",  # hash per agent: presence, since, epoch, clocks, counters
    "slots": "slots:",  # hash per agent: call id -> token of its reservation
    "joined": "joined:",  # hash per agent: signature -> fixed standing
    "signatures": "signatures",  # hash: needs in words -> signature id, with "+" once all agents have joined
    "used": "used",  # sorted set: signature by last use, to forget those nobody asks for
    "idle": "idle:",  # sorted set per signature: free agents by standing
    "waiting": "waiting:",  # sorted set per signature: waiting calls by place
    "hoping": "hoping:",  # set per signature: calls that it may serve now or later
    "busy": "busy",  # set: signatures with waiting calls
    "staffed": "staffed",  # hash: signature -> agents signed in
    "call": "call:",  # hash per waiting call
    "queue": "queue:",  # sorted set per queue: all its waiting calls by place
    "all": "all",  # sorted set: all waiting calls by arrival
    "reservation": "reservation:",  # hash per reservation
    "leases": "leases",  # sorted set: tokens by deadline
    "rings": "rings",  # sorted set: call|opening number by due time
    "ready": "ready",  # sorted set: agents by the end of their delay
    "wrapping": "wrapping",  # sorted set: agent|call by the end of wrap-up
    "overdue": "overdue",  # sorted set: calls by longest wait
    "alive": "alive",  # sorted set: calls by the moment silence becomes suspicious
    "beats": "beats",  # sorted set: agents by the moment silence becomes `unreachable`
    "talks": "talks",  # sorted set: agent|call by the moment a talk becomes suspicious
    "unstaffed": "unstaffed",  # sorted set: signatures by the moment their callers are told
    "touched": "touched",  # sorted set: agents (a...) and calls (c...) to look at in the next match, by time
    "told": "told:",  # reported call -> 1, for ten seconds: not reported twice meanwhile
    "promise": "promise:",  # hash per promised callback; expires 30 days after its end
    "promises": "promises",  # sorted set: open callbacks by the moment something is due
    "promised": "promised",  # sorted set: all callbacks still kept, by the moment of the promise
    "openly": "openly:",  # set per number (hashed): its open callbacks
    "counted": "counted:",  # counter per number (hashed) and day, or per hour
    "log": "log",  # stream: decisions
    "entered": "entered",  # sorted set: calls in the log by the moment they first entered
    "reentered": "reentered",  # sorted set: the same calls by the moment they last entered
    "checkpoints": "checkpoints",  # sorted set: entries of the log at which the floor was written down, by time
    "checkpoint": "checkpoint:",  # the floor as it stood at that entry, packed; expires after a week
}


@dataclass(frozen=True)
class Keys:
    """The keys of one routing group."""

    group: str = "main"

    def __post_init__(self) -> None:
        if not _GROUP.match(self.group):
            raise ValueError(f"routing group {self.group!r}: use letters, digits, - and _ (at most 64)")

    @property
    def prefix(self) -> str:
        return f"routing:{{{self.group}}}:"

    def of(self, name: str, identity: str = "") -> str:
        """The key called `name` in SUFFIXES, completed by an id where it is a family."""
        return f"{self.prefix}{SUFFIXES[name]}{identity}"

    def fill(self, script: str) -> str:
        """A Lua script with each `$name` replaced by the key (or prefix of a family) as a Lua string."""
        return re.sub(r"\$([a-z]+)\b", lambda found: f"'{self.of(found.group(1))}'", script)
