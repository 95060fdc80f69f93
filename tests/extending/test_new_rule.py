"""A rule of consistency is one function in a file: one that nobody needs, and no other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import vmconfig
from tests.extending.overlay import Called, call, overlay, vm, written

LINUX = {"system": {"type": "linux"}, "memory": 1024}


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Called]:
    folder = overlay(tmp_path_factory.mktemp("rule"), "titles.py")
    loud, soft = (
        written(folder / f"{title}.yaml", vm(features=LINUX, domain={"title": title})) for title in ("LOUD", "soft")
    )
    stored = vm(features=LINUX, domain={"title": "LOUD", "os": {"type": {"machine": "q35"}}})
    calls = {
        "loud": ["check", "-o", "json", loud],
        "soft": ["check", "-o", "json", soft],
        "both": ["check", "-o", "json", written(folder / "both.yaml", stored)],
    }
    return dict(zip(calls, call(folder, *calls.values()), strict=True))


def test_it_refuses_with_its_finding(called: dict[str, Called]) -> None:
    finding = {"path": "spec.domain.title", "problem": "is shouted", "help": "say it in small letters"}
    (found,) = called["loud"].tree
    assert found == {**found, **finding, "rule": "soft-title"}
    assert called["loud"].code == 1


def test_it_does_not_refuse_what_it_is_not_about(called: dict[str, Called]) -> None:
    assert (called["soft"].code, called["soft"].tree) == (0, [])


def test_there_is_none_without_its_file(tmp_path: Path) -> None:
    loud = written(tmp_path / "vm.yaml", vm(features=LINUX, domain={"title": "LOUD"}))
    assert vmconfig("check", loud).returncode == 0
