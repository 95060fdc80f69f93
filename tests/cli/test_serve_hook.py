"""`vmconfig serve-hook` before it listens: where, and what it becomes. What it then does: `tests/sidecar`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from webhook.cli import main

HEAVY = {"asyncio", "fastapi", "kubernetes", "lxml", "orjson", "pydantic", "yaml"}


@pytest.fixture
def becomes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that the process would become."""
    command: list[str] = []
    monkeypatch.setattr(os, "execve", lambda _, words, __: command.extend(words) or 0)
    return command


def test_it_becomes_a_listener_on_the_socket_that_it_is_given(becomes: list[str]) -> None:
    assert main(["serve-hook", "/run/x.sock"]) == 0
    assert becomes[1:] == ["-m", "webhook.sidecar.listener", "/run/x.sock"]


@pytest.mark.parametrize(("container", "name"), [("hook-sidecar-3", "vmconfig-hook-sidecar-3"), ("", "vmconfig-hook")])
def test_as_kubevirt_starts_it_each_container_has_a_socket_of_its_own_name(
    becomes: list[str], monkeypatch: pytest.MonkeyPatch, container: str, name: str
) -> None:
    monkeypatch.setenv("CONTAINER_NAME", container)
    assert main(["serve-hook"]) == 0
    assert becomes[-1] == f"/var/run/kubevirt-hooks/{name}.sock"


def test_without_its_package_it_says_what_to_install(
    becomes: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["serve-hook"]) == 2
    assert "pip install 'vmconfig[hook]'" in capsys.readouterr().err
    assert becomes == []


def test_the_listener_has_nothing_of_what_restates_a_domain_or_serves_webhooks() -> None:
    text = "import sys, webhook.sidecar.listener; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True).stdout.split()
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(HEAVY)
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("webhook.")}
    assert ours == {"webhook.sidecar"}
