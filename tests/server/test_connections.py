"""Which connection goes, and how many there may be."""

from __future__ import annotations

import resource
from collections import Counter
from dataclasses import dataclass, field

import pytest

from webhook.server.connections import RESERVE, UNUSED, Connections, Stage, limit_of


@dataclass(eq=False)
class Caller:
    """A connection that notes what was done to it."""

    name: str
    stage: Stage = Stage.UNUSED
    ends: float = UNUSED
    held: int = 0
    done: list[str] = field(default_factory=list)
    registry: Connections | None = None

    def expire(self) -> None:
        self.done.append("expired")

    def refuse(self, status: int, reason: str) -> None:
        self.done.append(f"{status} {reason}")
        assert self.registry is not None
        self.registry.bodies -= self.held
        self.held = 0

    def drop(self) -> None:
        self.done.append("dropped")

    def finish_with_answer(self) -> None:
        self.done.append("finishes")


def crowd(limit: int, fresh: list[Caller], used: list[Caller]) -> tuple[Connections, Counter[str]]:
    reasons: Counter[str] = Counter()
    registry = Connections(limit=limit, deadline=1, count=lambda reason: reasons.update([reason]), bodies_limit=100)
    for caller in (*fresh, *used):
        caller.registry = registry
        registry.entered(caller)
    for caller in used:
        caller.stage = Stage.IDLE
        registry.answered(caller)
    return registry, reasons


def callers(names: str) -> list[Caller]:
    return [Caller(name) for name in names]


def dropped(registry: Connections, *all_: list[Caller]) -> str:
    assert len(registry) == sum(not caller.done for some in all_ for caller in some)
    return "".join(caller.name for some in all_ for caller in some if caller.done)


def test_below_the_limit_nobody_goes() -> None:
    fresh, used = callers("ab"), callers("cd")
    registry, reasons = crowd(5, fresh, used)
    assert registry.room()
    assert dropped(registry, fresh, used) == ""
    assert reasons == {}


def test_at_the_limit_the_oldest_of_the_strangers_goes() -> None:
    fresh, used = callers("abc"), callers("xy")
    registry, reasons = crowd(5, fresh, used)
    assert registry.room()
    assert dropped(registry, fresh, used) == "a"
    assert reasons == {"limit": 1}


def test_those_who_stay_do_not_keep_strangers_out() -> None:
    fresh, used = callers("a"), callers("vwxy")
    registry, _ = crowd(5, fresh, used)
    registry.answered(used[0])
    assert registry.room()
    assert dropped(registry, fresh, used) == "w", "the one that was silent the longest"


def test_whoever_waits_for_an_answer_does_not_go() -> None:
    fresh, used = callers("abc"), callers("xy")
    registry, _ = crowd(5, fresh, used)
    fresh[0].stage = fresh[1].stage = Stage.ANSWER
    assert registry.room()
    assert dropped(registry, fresh, used) == "c"


def test_where_all_wait_for_answers_no_more_come() -> None:
    fresh, used = callers("abc"), callers("xy")
    registry, reasons = crowd(5, fresh, used)
    for caller in (*fresh, *used):
        caller.stage = Stage.ANSWER
    assert not registry.room()
    assert dropped(registry, fresh, used) == ""
    assert reasons == {}


def test_of_bodies_that_are_too_many_the_largest_goes_and_reviews_pass() -> None:
    fresh = callers("abc")
    registry, _ = crowd(5, fresh, [])
    for caller, size in zip(fresh, (60, 30, 5), strict=True):
        caller.stage, caller.held = Stage.BODY, size
        registry.hold(size)
    assert [caller.done for caller in fresh] == [[], [], []]
    fresh[1].held += 10
    registry.hold(10)
    assert [caller.done for caller in fresh] == [["503 bodies"], [], []]
    assert registry.bodies == 45


def test_what_has_waited_too_long_ends_and_nothing_else_does() -> None:
    fresh = callers("ab")
    registry, _ = crowd(5, fresh, [])
    fresh[0].ends = 5
    registry.expire(6)
    assert [caller.done for caller in fresh] == [["expired"], []]


@pytest.mark.parametrize("stage", [Stage.HANDSHAKE, Stage.HEAD, Stage.BODY, Stage.ANSWER])
def test_a_request_that_has_begun_is_waited_for_at_the_end(stage: Stage) -> None:
    fresh = callers("a")
    registry, _ = crowd(5, fresh, [])
    assert registry.expected(0), "a connection of a moment ago"
    assert not registry.expected(UNUSED / 2)
    fresh[0].stage = stage
    assert registry.expected(UNUSED / 2)


@dataclass
class Limits:
    """The limits of a process, as the kernel keeps them."""

    soft: int
    hard: int

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.soft, self.hard

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        self.soft, self.hard = limits


@pytest.mark.parametrize(
    ("soft", "hard", "limit", "becomes"),
    [
        (1024, 4096, 512, 1024),
        (256, 4096, 512, 512 + RESERVE),
        (256, resource.RLIM_INFINITY, 512, 512 + RESERVE),
        (200, 200, 200 - RESERVE, 200),
        (200, 300, 300 - RESERVE, 300),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 512, resource.RLIM_INFINITY),
        (10, 10, 1, 10),
    ],
)
def test_descriptors_are_kept_for_everything_else(soft: int, hard: int, limit: int, becomes: int) -> None:
    limits = Limits(soft, hard)
    assert limit_of(512, limits) == limit
    assert limits == Limits(becomes, hard)
