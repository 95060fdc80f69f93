"""All objects of one kind as the cluster has them: listed once, then followed, by a loop for a thread of its own.

Knows nothing of what the objects are; they come as plain trees, without the kubernetes client's models, a page at a
time, so that nobody holds them all. Whatever the API server does, the loop goes on: the last known objects stay, and
`age` says how old that knowledge is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from certs.backoff import backoff
from webhook.cluster.api import Unanswered, asking
from webhook.policy.loading.budget import Pace
from webhook.trees import Tree

# A list function of the kubernetes client, such as CoreV1Api.list_namespace.
Read = Callable[..., Any]

# Objects of one page of a list; pages, and bytes of one. A page that is larger is asked for again with fewer objects.
# etcd keeps no object beyond 1.5 MiB, which a line, and so a page of one object, has to hold.
_PAGE, _PAGES = 500, 20_000
_PAGE_BYTES, _LINE_BYTES = 8 << 20, 4 << 20
# Bytes of a stream that are taken at once.
_PIECE = 64 << 10
# Seconds after which the API server ends a watch. It is opened again where it ended, so nothing is missed.
_WATCHED = 30
# Seconds to connect, and to wait for the next byte. A watch that is silent for longer than the API server lets it live
# has lost its connection without a word.
_ANSWER = (3, 10)
_STREAM = (3, _WATCHED + 10)
# Seconds between two watches, and until the next try after failures: doubled by each further one.
_SOONEST, _LONGEST = 0.2, 10.0
_GONE, _UNEXPECTED = 410, 500


class Watch:
    """Follows all objects that `read` lists.

    `replace` is given all of them as they come, and raises what their reading raises; `change` is given a single one
    and whether it is gone. Both are called by the loop.
    `log` is called when the connection is lost and found again, with an event's name and its facts.
    """

    def __init__(
        self,
        what: str,
        read: Read,
        replace: Callable[[Iterable[Tree]], None],
        change: Callable[[Tree, bool], None],
        log: Callable[..., None],
    ) -> None:
        self.what = what
        self.synced = False
        """Whether all objects have been seen once."""
        self.problem = ""
        """Why the API server does not answer; empty while it does."""
        self._read, self._replace, self._change, self._log = read, replace, change, log
        self._version = ""
        self._answered_at: float | None = None
        self.ending = threading.Event()
        self._response: Any = None

    def stop(self) -> None:
        """Have the loop end. A read that is under way is cut short."""
        self.ending.set()
        with contextlib.suppress(Exception):  # it may end by itself meanwhile
            self._response.shutdown()

    @property
    def age(self) -> float | None:
        """Seconds since the API server last answered; None before the first time."""
        answered = self._answered_at
        return None if answered is None else time.monotonic() - answered

    def run(self) -> None:
        """List and follow until it is stopped."""
        failures = 0
        while not self.ending.is_set():
            try:
                with asking(self.what):
                    if not self._version:
                        self._list()
                    self._follow()
                failures = 0
            except Exception as error:  # the loop outlives whatever client and server come up with
                failures += 1
                self._lost(error)
            self.ending.wait(pause(failures))

    def _lost(self, error: Exception) -> None:
        """List again after any other answer: the server may have another history. A lost connection is opened again."""
        if self.ending.is_set():
            return
        status = error.status if isinstance(error, Unanswered) else _UNEXPECTED
        if status:
            self._version = ""
        if status == _GONE and self.synced:
            return
        problem = str(error) if isinstance(error, Unanswered) else f"{type(error).__name__}: {error}"
        if not self.problem:
            self._log(f"{self.what} lost", problem=problem)
        self.problem = problem

    def _answered(self) -> None:
        self._answered_at = time.monotonic()
        if self.problem:
            self.problem = ""
            self._log(f"{self.what} followed")

    def _list(self) -> None:
        self._replace(self._objects())
        self.synced = True
        self._answered()

    def _objects(self) -> Iterator[Tree]:
        """All objects, page by page; the version of the list is known behind the last one."""
        token, most = None, _PAGE
        pace = Pace()
        for _ in range(_PAGES):
            page, most = self._page(token, most)
            for obj in page.get("items") or ():
                yield obj
                pace()
            before, token = token, page["metadata"].get("continue")
            if not token:
                self._version = page["metadata"]["resourceVersion"]
                return
            if token == before:
                raise Unanswered(f"{self.what}: the API server answers one page of the list again and again")
        raise Unanswered(f"{self.what}: the list has more than {_PAGES} pages")

    def _page(self, token: str | None, most: int) -> tuple[Tree, int]:
        """A page of the list with at most so many objects, fewer where they are large; and how many those were."""
        while True:
            response = self._read(limit=most, _continue=token, _preload_content=False, _request_timeout=_ANSWER)
            with contextlib.closing(response):
                content = response.read(_PAGE_BYTES + 1)
            if len(content) <= _PAGE_BYTES:
                page: Tree = orjson.loads(content)
                return page, most
            if most == 1:
                raise Unanswered(f"{self.what}: a page of the list has more than {_PAGE_BYTES >> 20} MiB")
            most = max(1, most // 8)

    def _follow(self) -> None:
        """One watch, until the API server ends it."""
        response = self._read(
            watch=True,
            allow_watch_bookmarks=True,
            resource_version=self._version,
            timeout_seconds=_WATCHED,
            _preload_content=False,
            _request_timeout=_STREAM,
        )
        with contextlib.closing(response):
            self._response = response
            if self.ending.is_set():
                return
            self._answered()
            pace = Pace()  # however many events come, reviews come in between
            for line in self._lines(response):
                self._event(orjson.loads(line))
                self._answered()
                pace()
            self._answered()

    def _lines(self, response: Any) -> Iterator[bytes]:
        """The lines of a stream as they come, chunked or not; empty ones are left out."""
        rest: list[bytes] = []
        size = 0
        while True:
            piece: bytes = response.read1(_PIECE, decode_content=False)
            if not piece:
                return
            first, *others = piece.split(b"\n")
            rest.append(first)
            size += len(first)
            if size > _LINE_BYTES:
                raise Unanswered(f"{self.what}: the watch has a line of more than {_LINE_BYTES >> 20} MiB", _UNEXPECTED)
            if others:
                lines = [b"".join(rest), *others]
                rest, size = [lines[-1]], len(lines[-1])
                yield from filter(None, lines[:-1])

    def _event(self, event: Tree) -> None:
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            raise Unanswered(f"{self.what}: the watch ends: {obj.get('message')}", obj.get("code") or _UNEXPECTED)
        if kind != "BOOKMARK":
            self._change(obj, kind == "DELETED")
        self._version = obj["metadata"]["resourceVersion"]


def pause(failures: int) -> float:
    """Seconds until the next try after so many failures in a row, or until the next watch after none."""
    return backoff(failures + 1, _SOONEST, _LONGEST)
