"""Queues of callers who wait: order, places, average wait, and how a wait ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ivr.carriers.local.pace import now

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange
    from ivr.carriers.local.legs import Leg, Request

DEFAULT_MOST = 1000


@dataclass
class Bridge:
    """A waiting caller is fetched by `leg` (a <Dial><Queue>). `screen` is what the caller hears first; `ready` and `over` frame the talk."""

    leg: Leg
    screen: Request | None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Member:
    """A caller in a queue."""

    leg: Leg
    taken: asyncio.Future[Bridge]
    since: datetime = field(default_factory=now)

    @property
    def waited_seconds(self) -> float:
        """How long so far."""
        return (now() - self.since).total_seconds()


class Queue:
    """A queue of the account, made by its first caller."""

    def __init__(self, exchange: Exchange, name: str, most: int = DEFAULT_MOST) -> None:
        self.exchange = exchange
        self.name = name
        self.most = most
        self.sid = exchange.new_sid("QU")
        self.created_at = self.updated_at = now()
        self.members: list[Member] = []
        self._waits: list[float] = []
        self._arrival = asyncio.Event()

    def add(self, leg: Leg) -> Member:
        """A caller takes the last place."""
        member = Member(leg, self.exchange.loop.create_future())
        self.members.append(member)
        self.updated_at = now()
        self._arrival.set()
        self._arrival = asyncio.Event()
        return member

    def remove(self, member: Member) -> None:
        """A caller waits no longer; the others move up."""
        if member in self.members:
            self.members.remove(member)
            self._waits = [*self._waits[-99:], member.waited_seconds]
            self.updated_at = now()
            member.leg.queue_seconds = member.waited_seconds

    def position(self, member: Member) -> int:
        """The caller's place, 1 is next; 0 where the caller is out."""
        return self.members.index(member) + 1 if member in self.members else 0

    @property
    def average_wait_seconds(self) -> int:
        """Mean wait of the last hundred who left."""
        return round(sum(self._waits) / len(self._waits)) if self._waits else 0

    async def front(self) -> Member:
        """The first caller, waiting for one to come where there is none."""
        while not self.members:
            await self._arrival.wait()
        return self.members[0]

    def fields(self, member: Member) -> dict[str, str]:
        """What a wait document's request tells about the caller's place."""
        return {
            "QueueSid": self.sid,
            "QueuePosition": str(self.position(member)),
            "QueueTime": str(int(member.waited_seconds)),
            "AvgQueueTime": str(self.average_wait_seconds),
            "CurrentQueueSize": str(len(self.members)),
            "MaxQueueSize": str(self.most),
        }
