"""A verb of the command is one entry of its module: one that nobody types, and no other change."""

from __future__ import annotations

import pytest

from tests.cli.test_cli import vmconfig
from tests.extending.overlay import Called, call, overlay, vm, written


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Called]:
    folder = overlay(tmp_path_factory.mktemp("verb"), "count.py")
    two = written(folder / "vm.yaml", vm(domain={"devices": {"disks": [{"name": "a"}, {"name": "b"}]}}))
    calls = {
        "help": ["--help"],
        "its help": ["count", "--help"],
        "count": ["count", "-o", "json", two],
        "no file": ["count"],
        "other": ["crd"],
    }
    return dict(zip(calls, call(folder, *calls.values()), strict=True))


def test_it_is_in_the_help(called: dict[str, Called]) -> None:
    assert "count     how many devices are stated" in called["help"].out
    assert "a manifest with one or more objects" in called["its help"].out


def test_it_runs_with_its_arguments(called: dict[str, Called]) -> None:
    assert (called["count"].code, called["count"].tree) == (0, 2)


def test_it_does_not_run_without_them(called: dict[str, Called]) -> None:
    assert called["no file"].code == 2
    assert "FILE" in called["no file"].err


def test_other_verbs_are_there_beside_it(called: dict[str, Called]) -> None:
    assert called["other"].code == 0


def test_there_is_none_without_its_file() -> None:
    assert vmconfig("count", "x").returncode == 2
