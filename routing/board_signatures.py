"""What is configured, and the signatures: kinds of needs, each with the agents who meet it.

A signature is made when the first call asks for it; from then on agents are in its set whenever they are free, so that a call
that arrives looks at one element only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping

import redis
from pydantic import TypeAdapter

from routing.board_scripts import Scripts, text_of
from routing.keys import Keys
from routing.model import Agent, AgentChoice, Policy, Queue
from routing.policies import Opening, clock_name, fixed_standing, serves

_AGENT = TypeAdapter(Agent)
_QUEUE = TypeAdapter(Queue)
_CHUNK = 500  # agents that join in one script: keeps the server free for calls


def content_of(policy: Policy, opening: Opening) -> str:
    """The words that make two openings the same signature: who may answer and how the agent is chosen. Time plays no part."""
    return json.dumps(
        [clock_name(policy), policy.agent, opening.keep, opening.queue, opening.needs, opening.preferred, opening.agent_id],
        separators=(",", ":"),
    )


class Signatures:
    """Configuration and signatures of one group."""

    def __init__(self, client: redis.Redis, keys: Keys, scripts: Scripts) -> None:
        self._redis, self._keys, self._scripts = client, keys, scripts
        self.agents: dict[str, Agent] = {}
        self.queues: dict[str, Queue] = {}
        self._served: dict[str, bool] = {}
        self._several: bool | None = None

    def load(self) -> None:
        """Read what another process configured."""
        self._take(self._stored())

    def _stored(self) -> dict[str, str]:
        stored: dict[str, str] = text_of(self._redis.hgetall(self._keys.of("config")))
        return stored

    def _take(self, stored: Mapping[str, str]) -> None:
        self.agents = {name[2:]: _AGENT.validate_json(text) for name, text in stored.items() if name.startswith("a:")}
        self.queues = {name[2:]: _QUEUE.validate_json(text) for name, text in stored.items() if name.startswith("q:")}
        self._served, self._several = {}, None

    def configure(self, agents: Iterable[Agent], queues: Iterable[Queue]) -> None:
        """Bring Redis to this configuration; what did not change is left alone, live state is kept."""
        self.agents = {agent.agent_id: agent for agent in agents}
        self.queues = {queue.queue_id: queue for queue in queues}
        self._served, self._several = {}, None
        stored = self._stored()
        wanted = {f"q:{name}": _QUEUE.dump_json(queue).decode() for name, queue in self.queues.items()}
        for field in {*wanted, *(name for name in stored if name.startswith("q:"))}:
            if stored.get(field) != wanted.get(field):
                self._scripts.run("configure_queue", field[2:], wanted.get(field, ""))
        signatures = _signatures(stored)
        for agent in self.agents.values():
            text = _AGENT.dump_json(agent).decode()
            if stored.get(f"a:{agent.agent_id}") != text:
                self._configure_agent(agent, text, signatures)
        for field in stored:
            if field.startswith("a:") and field[2:] not in self.agents:
                self._scripts.run("retire_agent", field[2:])

    def _configure_agent(self, agent: Agent, text: str, signatures: Mapping[str, tuple[str, Policy, Opening]]) -> None:
        pairs: list[str] = []
        for signature, (_, policy, opening) in signatures.items():
            pairs += (signature, repr(fixed_standing(policy, agent, opening)) if serves(agent, opening) else "")
        self._scripts.run("configure_agent", agent.agent_id, agent.capacity, agent.address, text, *pairs)

    @property
    def several(self) -> bool:
        """Whether some agent takes more than one call at a time."""
        if self._several is None:
            self._several = any(agent.capacity > 1 for agent in self.agents.values())
        return self._several

    def served(self, policy: Policy, opening: Opening) -> bool:
        """Whether any configured agent could ever take a call through this opening."""
        content = content_of(policy, opening)
        if content not in self._served:
            self._served[content] = any(serves(agent, opening) for agent in self.agents.values())
        return self._served[content]

    def intern(self, policy: Policy, opening: Opening) -> str:
        """Make the signature of `opening`, or finish what a process that died began. Returns its id.

        Agents who change meanwhile make the version move on, and then all join again.
        """
        content = content_of(policy, opening)
        digest = hashlib.blake2b(content.encode(), digest_size=5).hexdigest()
        plain = json.dumps({"content": content, "policy": policy.agent, "opening": _plain(opening)})
        joined: set[str] = set()
        while True:
            stored = self._stored()
            version = stored.get("version", "0")
            fresh = f"{_CLOCK[clock_name(policy)]}{opening.keep}-{digest}.{secrets.token_hex(3)}"
            signature = str(self._scripts.run("intern", content, fresh, plain)).rstrip("+")
            pairs: list[tuple[str, str]] = []
            for name, text in stored.items():
                if not name.startswith("a:"):
                    continue
                agent = _AGENT.validate_json(text)
                if serves(agent, opening):
                    pairs.append((agent.agent_id, repr(fixed_standing(policy, agent, opening))))
                elif agent.agent_id in joined:
                    pairs.append((agent.agent_id, ""))
            for start in range(0, len(pairs), _CHUNK):
                chunk = [part for pair in pairs[start : start + _CHUNK] for part in pair]
                self._scripts.run("join", signature, *chunk)
            joined = {agent_id for agent_id, standing in pairs if standing}
            if self._scripts.run("complete", content, signature, version):
                return signature

    def known(self) -> dict[str, Opening]:
        """All signatures by id."""
        return {signature: opening for signature, (_, _, opening) in _signatures(self._stored()).items()}

    def forget(self, unused_since: float) -> int:
        """Drop signatures that no call used since then. Returns how many."""
        count = 0
        for signature, (content, _, _) in _signatures(self._stored()).items():
            if not self._scripts.run("forget", content, signature, unused_since):
                continue
            count += 1
            names = list(self.agents)
            for start in range(0, len(names), _CHUNK):
                with self._redis.pipeline(transaction=False) as pipe:
                    for name in names[start : start + _CHUNK]:
                        pipe.hdel(self._keys.of("joined", name), signature)
                        pipe.hdel(self._keys.of("agent", name), "joins")
                    pipe.execute()
            self._redis.delete(self._keys.of("idle", signature))  # an agent may have come free meanwhile
        return count


# First letter of a signature: which of the agent's clocks counts. The scripts know the clocks by these letters.
_CLOCK = {"idle": "i", "occupied": "o", "offered": "r"}


def _plain(opening: Opening) -> list[object]:
    return [opening.queue, opening.needs, opening.preferred, opening.agent_id, opening.keep]


def _signatures(stored: Mapping[str, str]) -> dict[str, tuple[str, Policy, Opening]]:
    """Signature id -> (content, policy with its choice of agent, opening)."""
    found: dict[str, tuple[str, Policy, Opening]] = {}
    for field, text in stored.items():
        if field.startswith("s:"):
            plain = json.loads(text)
            queue, needs, preferred, agent_id, keep = plain["opening"]
            opening = Opening(
                0.0, queue, tuple((s, n) for s, n in needs), tuple((s, n) for s, n in preferred), agent_id=agent_id, keep=keep
            )
            found[field[2:]] = (plain["content"], Policy(agent=AgentChoice(plain["policy"])), opening)
    return found
