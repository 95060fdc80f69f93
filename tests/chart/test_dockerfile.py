"""The Dockerfile, held to what an image of this service must be; there is no engine to build it here."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from webhook.cli import grammar

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def hadolint(text: str) -> list[str]:
    """What hadolint, the linter of Dockerfiles (as a PyPI package brings it), says of this text: codes of rules."""
    command = [f"{sysconfig.get_path('scripts')}/hadolint", "--no-color", "--format", "json", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    return [said["code"] for said in json.loads(done.stdout)]


def test_hadolint_has_nothing_to_complain_of() -> None:
    assert hadolint((ROOT / "Dockerfile").read_text()) == []


def test_hadolint_does_complain_of_a_base_without_a_version() -> None:
    assert "DL3006" in hadolint((ROOT / "Dockerfile").read_text().replace("python:3.11-slim", "python"))


def test_the_image_is_built_in_one_stage_and_runs_in_another() -> None:
    bases = [argument for name, argument in instructions() if name == "FROM"]
    assert bases == ["python:3.11-slim AS build", "python:3.11-slim AS run", "run AS hook", "run"]
    second = instructions().index(("FROM", bases[1]))
    assert not any(name == "RUN" for name, _ in instructions()[second:])


def test_the_image_runs_as_nobody_by_number() -> None:
    (user,) = [argument for name, argument in instructions() if name == "USER"]
    assert re.fullmatch("[1-9][0-9]*:[1-9][0-9]*", user)


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [argument.split()[:-1] for name, argument in instructions() if name == "COPY" and "--from" not in argument]
    assert copied
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists(), source
        assert source in kept, source


def test_the_commands_are_ones_that_the_command_line_takes() -> None:
    hook, service = [grammar().parse_args(json.loads(argument)) for name, argument in instructions() if name == "CMD"]
    assert service.setting_listen == "0.0.0.0:8443"
    assert hook.socket is None


def test_dependencies_are_pinned() -> None:
    (build,) = [argument for name, argument in instructions() if name == "RUN"]
    assert "--require-hashes --requirement requirements.txt" in build


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_names_versions_and_hashes_and_no_address(lock: str) -> None:
    text = re.sub(r"\\\n\s*", "", (ROOT / lock).read_text())
    entries = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(entries) > 20
    for entry in entries:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+( ;[^:]+)?( --hash=sha256:[0-9a-f]{64})+ ?", entry), (
            entry
        )
