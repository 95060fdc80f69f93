"""The watch: notices changes of the folder by itself, tends to it, and outlives every failure."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from certs.bundle import render
from certs.ensure import ensure
from certs.serve import Reloader, watch
from certs.store import Folder, Stored
from tests.certs.clients import DAY, NAMES, START, first
from tests.waiting import PATIENCE

LONG = 300.0
"""A period in seconds that no test waits for: what happens sooner was noticed."""


def keep(folder: Path, now: datetime = START) -> None:
    Folder(folder).write(render(first(now)), Folder(folder).read().version)


def run(watching: Coroutine[Any, Any, None], story: Callable[[], Awaitable[None]]) -> None:
    """Runs the story while the watch goes on; the watch must still be going on at its end, and end when cancelled."""

    async def both() -> None:
        task = asyncio.create_task(watching)
        await asyncio.sleep(0.3)
        try:
            await story()
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    asyncio.run(both())


async def soon(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.02)


def test_a_swapped_folder_is_noticed_at_once(tmp_path: Path) -> None:
    keep(tmp_path)
    reloader = Reloader(tmp_path)

    async def story() -> None:
        for days in (1, 2, 3):
            keep(tmp_path, START + days * DAY)
            await soon(lambda days=days: reloader.expires_at == START + (90 + days) * DAY)  # type: ignore[misc]

    run(watch(reloader, period=LONG), story)


def test_plain_files_that_are_overwritten_are_noticed(tmp_path: Path) -> None:
    for name, content in render(first()).items():
        (tmp_path / name).write_bytes(content)
    reloader = Reloader(tmp_path)

    async def story() -> None:
        for name, content in render(first(START + DAY)).items():
            (tmp_path / name).write_bytes(content)
        await soon(lambda: reloader.expires_at == START + 91 * DAY)

    run(watch(reloader, period=LONG, soonest=0.05), story)


def test_a_source_without_events_is_looked_at_every_period(tmp_path: Path) -> None:
    keep(tmp_path)

    class Elsewhere:
        def read(self) -> Stored:
            return Folder(tmp_path).read()

    reloader = Reloader(Elsewhere())

    async def story() -> None:
        keep(tmp_path, START + DAY)
        await soon(lambda: reloader.expires_at == START + 91 * DAY)

    run(watch(reloader, period=0.1), story)


def test_certificates_of_our_own_are_rotated_by_the_watch(tmp_path: Path) -> None:
    now = [START]
    ensure(Folder(tmp_path), NAMES, START)
    reloader = Reloader(tmp_path)

    async def story() -> None:
        now[0] = START + 70 * DAY
        await soon(lambda: reloader.expires_at == START + 160 * DAY)

    run(watch(reloader, lambda: ensure(Folder(tmp_path), NAMES, now[0]), period=0.1), story)


def test_a_failure_is_told_and_retried_and_ends_when_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path)
    reloader = Reloader(tmp_path)

    async def story() -> None:
        shutil.rmtree(tmp_path)
        await soon(lambda: reloader.problem is not None)
        assert reloader.expires_at == START + 90 * DAY
        keep(tmp_path, START + DAY)
        await soon(lambda: reloader.expires_at == START + 91 * DAY)
        await soon(lambda: reloader.problem is None)
        keep(tmp_path, START + 2 * DAY)
        await soon(lambda: reloader.expires_at == START + 92 * DAY)

    with caplog.at_level(logging.INFO, "certs"):
        run(watch(reloader, period=2, soonest=0.05), story)
    assert any("still serving" in record.message and record.levelno == logging.WARNING for record in caplog.records)
    assert any("serving a new certificate" in record.message for record in caplog.records)


def test_a_folder_is_looked_at_where_the_node_has_no_watches_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise RuntimeError("Error creating recommended watcher: Too many open files (os error 24)")

    monkeypatch.setattr("certs.serve.awatch", exhausted)
    keep(tmp_path)
    reloader = Reloader(tmp_path)

    async def story() -> None:
        for days in (1, 2):
            keep(tmp_path, START + days * DAY)
            await soon(lambda days=days: reloader.expires_at == START + (90 + days) * DAY)  # type: ignore[misc]
            assert reloader.problem is None

    run(watch(reloader, period=0.1), story)


def test_a_problem_is_logged_when_it_comes_and_when_it_goes_and_not_in_between(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reloader = Reloader(tmp_path, wait=True)
    tries: list[None] = []

    def renew() -> None:
        tries.append(None)
        if len(tries) == 5:
            keep(tmp_path)

    async def story() -> None:
        await soon(lambda: reloader.certificate is not None)
        await soon(lambda: reloader.problem is None)

    with caplog.at_level(logging.INFO, "certs"):
        run(watch(reloader, renew, period=LONG, soonest=0.01), story)
    assert [record.getMessage().partition(" until")[0] for record in caplog.records] == [
        "no certificate yet: Unusable: `tls.crt` is missing or empty",
        "serving a new certificate",
        "certificates are refreshed again",
    ]


def test_where_tending_fails_what_another_replica_renewed_is_still_served(tmp_path: Path) -> None:
    keep(tmp_path)
    reloader = Reloader(tmp_path)

    def renew() -> None:
        raise RuntimeError("no permission")

    async def story() -> None:
        keep(tmp_path, START + DAY)
        await soon(lambda: reloader.expires_at == START + 91 * DAY)
        assert reloader.problem == "RuntimeError: no permission"

    run(watch(reloader, renew, period=0.2, soonest=0.05), story)


def test_failures_are_retried_more_and_more_rarely(tmp_path: Path) -> None:
    keep(tmp_path)
    times: list[float] = []

    def renew() -> None:
        times.append(time.monotonic())
        raise RuntimeError("down")

    async def story() -> None:
        await asyncio.sleep(1.5)

    run(watch(Reloader(tmp_path), renew, period=LONG, soonest=0.05), story)
    assert 3 <= len(times) <= 8
    assert times[-1] - times[-2] > times[1] - times[0]
