"""The open connections of one service: how many there may be, what they may hold in sum, and which one has to go.

Everything here is about callers of whom nothing is known yet. A connection that waits costs a descriptor and memory, so
that there is a limit of them; beyond it the one goes that is least likely to be an API server's.
"""

from __future__ import annotations

import asyncio
import enum
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

# What a request's head may have. The largest that an API server sends have some ten headers and 1 KiB.
HEAD_BYTES = 16 * 1024
HEADERS = 100
# Seconds for the TLS handshake: an API server has given up a review before.
HANDSHAKE = 5.0
# Seconds until the first byte of the first request. Go's transport opens connections that it does not need at once.
UNUSED = 10.0
# Seconds for which a refused connection is kept, unread: who comes again and again is slowed down by it.
LINGER = 1.0
# Seconds for the client to take an answer that fills all buffers, and to end TLS.
UNREAD = 10.0
TLS_CLOSE = 2.0
# Bytes of bodies that have not arrived whole yet, in sum.
BODIES = 16 * 1024 * 1024
# Descriptors that connections leave to everything else: policy files, certificates, the cluster, logs.
RESERVE = 64
# Seconds between two looks for connections whose time is over.
LOOK = 0.25


class Stage(enum.Enum):
    """What a connection waits for."""

    HANDSHAKE = enum.auto()
    UNUSED = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWER = enum.auto()
    IDLE = enum.auto()
    REFUSED = enum.auto()
    LOST = enum.auto()


class Connection(Protocol):
    """What is to be known of a connection here; see webhook.server.protocol."""

    stage: Stage
    ends: float
    held: int

    def expire(self) -> None: ...
    def refuse(self, status: int, reason: str) -> None: ...
    def drop(self) -> None: ...
    def finish_with_answer(self) -> None: ...


# In these stages a connection is in nobody's way: it may be closed for another's sake.
WAITING = frozenset({Stage.HANDSHAKE, Stage.UNUSED, Stage.HEAD, Stage.BODY, Stage.IDLE, Stage.REFUSED})


@dataclass(eq=False)
class Connections:
    """All open connections. `count` is called with the reason of each that was refused or closed before its time."""

    limit: int
    deadline: float
    count: Callable[[str], None]
    bodies_limit: int = BODIES
    draining: bool = False
    # Bytes of bodies that have not arrived whole yet.
    bodies: int = 0
    # Those that were never answered, the oldest first; the others, the one that was answered longest ago first.
    fresh: dict[Connection, None] = field(default_factory=dict)
    used: dict[Connection, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.fresh) + len(self.used)

    def __iter__(self) -> Iterator[Connection]:
        return iter([*self.fresh, *self.used])

    def room(self) -> bool:
        """Whether one more may come; closes another for it where the limit is reached."""
        if len(self) < self.limit:
            return True
        closed = self._least_useful()
        if closed is None:
            return False
        self.count("limit")
        self.lost(closed)
        closed.drop()
        return True

    def _least_useful(self) -> Connection | None:
        """The new and the answered ones may have half of the places each, so that neither keep the others out."""
        groups = (self.used, self.fresh) if len(self.used) > self.limit // 2 else (self.fresh, self.used)
        waiting = (each for group in groups for each in group if each.stage in WAITING)
        return next(waiting, None)

    def entered(self, connection: Connection) -> None:
        self.fresh[connection] = None

    def answered(self, connection: Connection) -> None:
        """It has got an answer and may stay: from now on it is among those of use."""
        self.fresh.pop(connection, None)
        self.used.pop(connection, None)
        self.used[connection] = None

    def lost(self, connection: Connection) -> None:
        self.fresh.pop(connection, None)
        self.used.pop(connection, None)

    def hold(self, size: int) -> None:
        """Bytes more of a body. Where all are too many the largest goes: reviews are small, and pass."""
        self.bodies += size
        while self.bodies > self.bodies_limit:
            largest = max(self, key=_arriving, default=None)
            if largest is None or not _arriving(largest):
                return
            largest.refuse(503, "bodies")

    def expire(self, now: float) -> None:
        """End what has waited for too long."""
        for connection in self:
            if connection.ends <= now:
                connection.expire()

    async def look(self) -> None:
        """Look for connections whose time is over until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK)
            self.expire(loop.time())

    def drain(self) -> None:
        """From now on each answer says `Connection: close`."""
        self.draining = True
        for connection in self:
            connection.finish_with_answer()

    def expected(self, now: float) -> bool:
        """Whether a request is under way: one that has begun, or that of a connection made a moment ago."""
        return any(each.stage in _UNDER_WAY or _new(each, now) for each in self)


_UNDER_WAY = frozenset({Stage.HANDSHAKE, Stage.HEAD, Stage.BODY, Stage.ANSWER})


def _new(connection: Connection, now: float) -> bool:
    return connection.stage is Stage.UNUSED and connection.ends - now > UNUSED - LINGER


def _arriving(connection: Connection) -> int:
    return connection.held if connection.stage is Stage.BODY else 0


def limit_of(wanted: int, limits: Any = resource) -> int:
    """How many connections the process can have: as many as wanted, or what its descriptors allow; at least one.

    Raises the soft limit of descriptors as far as needed and allowed.
    """
    soft, hard = limits.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVE
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        limits.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - RESERVE))
