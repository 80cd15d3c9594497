"""Connections to Redis whose time-outs the kernel keeps.

Python keeps a socket's time-out by asking the kernel whether it may read or write before every reading and writing, and each question
lets another thread go first: on a busy web worker that doubles what waiting for Redis costs. The kernel can keep the time-out itself.
"""

from __future__ import annotations

import os
import socket
import struct

from redis.connection import Connection, UnixDomainSocketConnection


def _timed_by_kernel(connected: socket.socket, seconds: float | None) -> socket.socket:
    if seconds:
        limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))  # struct timeval
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        connected.settimeout(None)
    return connected


class TimedConnection(Connection):
    """Over TCP. Too late is a ConnectionError here, not a TimeoutError."""

    def _connect(self) -> socket.socket:
        return _timed_by_kernel(super()._connect(), self.socket_timeout)  # type: ignore[no-untyped-call]


class TimedUnixConnection(UnixDomainSocketConnection):
    """Over a socket of this machine."""

    def _connect(self) -> socket.socket:
        return _timed_by_kernel(super()._connect(), self.socket_timeout)  # type: ignore[no-untyped-call]


KERNEL_TIMED: dict[type, type] = (
    {Connection: TimedConnection, UnixDomainSocketConnection: TimedUnixConnection} if os.name == "posix" else {}
)
"""What to use instead of the library's own connections; encrypted ones stay as they are: they read and write in pieces."""
