"""The folder in force: changes come in by themselves, bad ones do not, and the event loop goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.policy.context import PLACES
from tests.policy.files import policy, whole
from tests.waiting import PATIENCE
from webhook.findings import Finding, Refused
from webhook.policy import Policies
from webhook.policy.loading.watch import watch

"""Seconds after which a test gives up; nothing waits for them to pass."""


class PolicyReporter:
    """What the watch has told."""

    def __init__(self) -> None:
        self.loads: asyncio.Queue[str] = asyncio.Queue()
        self.errors: asyncio.Queue[list[Finding]] = asyncio.Queue()

    def on_load(self, policies: Policies) -> None:
        self.loads.put_nowait(policies.engine.policies[0].name)

    async def load(self) -> str:
        return await asyncio.wait_for(self.loads.get(), PATIENCE)

    async def error(self) -> str:
        return str((await asyncio.wait_for(self.errors.get(), PATIENCE))[0])


def watching(
    folder: Path, story: Callable[[Policies, PolicyReporter], Awaitable[None]], look_every: float = 600.0
) -> None:
    """The story of a folder under watch; with the long look only events of the file system bring news."""

    async def both() -> None:
        policies, news = Policies(folder, PLACES), PolicyReporter()
        task = asyncio.create_task(watch(policies, news.on_load, news.errors.put_nowait, look_every))
        await asyncio.sleep(0.3)
        try:
            await story(policies, news)
            assert not task.done()
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(both())


def test_policies_that_cannot_be_loaded_at_first_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("nonsense")
    with pytest.raises(Refused):
        Policies(tmp_path, PLACES)


def test_a_bad_reload_keeps_the_last_good_and_remembers_the_error(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(whole(policy("good")))
    policies = Policies(tmp_path, PLACES)
    engine, digest = policies.engine, policies.digest
    file.write_text("nonsense")
    assert policies.reload() == policies.error != []
    assert (policies.engine, policies.digest) == (engine, digest)
    file.write_text(whole(policy("better")))
    assert policies.reload() == policies.error == []
    assert policies.engine.policies[0].name == "better"
    assert policies.digest != digest


def test_an_edit_comes_into_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy("one")))

    async def story(policies: Policies, news: PolicyReporter) -> None:
        (tmp_path / "a.yaml").write_text(whole(policy("two")))
        assert await news.load() == "two"
        assert policies.engine.policies[0].name == "two"

    watching(tmp_path, story)


def test_a_bad_edit_does_not_come_into_force_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy("one")))

    async def story(policies: Policies, news: PolicyReporter) -> None:
        (tmp_path / "a.yaml").write_text(whole(policy("two", "forbid: {class: host-paths}")))
        assert "a.yaml:4" in await news.error()
        assert policies.engine.policies[0].name == "one"
        await asyncio.sleep(0.5)  # the folder is looked at many times meanwhile
        assert news.errors.empty()
        (tmp_path / "a.yaml").write_text(whole(policy("three")))
        assert await news.load() == "three"
        assert policies.error == []

    watching(tmp_path, story, look_every=0.05)


def test_a_name_that_is_no_text_ends_no_watch(tmp_path: Path) -> None:
    """watchfiles fails at the event of such a file (its RuntimeError comes in a group)."""
    (tmp_path / "a.yaml").write_text(whole(policy("one")))
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml"))

    async def story(_: Policies, news: PolicyReporter) -> None:
        bad.touch()
        assert "\\udcff.yaml: cannot be read" in await news.error()
        bad.unlink()
        (tmp_path / "a.yaml").write_text(whole(policy("two")))
        assert await news.load() == "two"

    watching(tmp_path, story, look_every=1.0)


def test_a_config_map_that_swaps_its_link_comes_into_force(tmp_path: Path) -> None:
    def mount(version: str, name: str) -> None:
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(whole(policy(name)))
        os.symlink(version, tmp_path / "..data_tmp")
        os.rename(tmp_path / "..data_tmp", tmp_path / "..data")

    mount("..2026_01", "one")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")

    async def story(policies: Policies, news: PolicyReporter) -> None:
        mount("..2026_02", "two")
        assert await news.load() == "two"
        assert policies.engine.policies[0].name == "two"

    watching(tmp_path, story)


def test_a_folder_is_looked_at_where_the_node_has_no_watches_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise RuntimeError("Error creating recommended watcher: Too many open files (os error 24)")

    monkeypatch.setattr("webhook.policy.loading.watch.awatch", exhausted)
    (tmp_path / "a.yaml").write_text(whole(policy("one")))

    async def story(policies: Policies, news: PolicyReporter) -> None:
        (tmp_path / "a.yaml").write_text(whole(policy("two")))
        assert await news.load() == "two"
        (tmp_path / "a.yaml").write_text("")
        await news.error()
        assert policies.engine.policies[0].name == "two"

    watching(tmp_path, story, look_every=0.1)


def test_a_folder_that_goes_and_comes_back_is_watched_again(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.yaml").write_text(whole(policy("one")))

    async def story(policies: Policies, news: PolicyReporter) -> None:
        shutil.rmtree(folder)
        await news.error()
        assert policies.engine.policies[0].name == "one"
        folder.mkdir()
        (folder / "a.yaml").write_text(whole(policy("two")))
        assert await news.load() == "two"

    watching(folder, story, look_every=0.2)
