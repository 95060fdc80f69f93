"""The engine without any one of its checks turns the suite red: each mutant is killed, or decides what it decides.

`survivors.yaml` lists those that do, with the reason; `pytest --survivors` tries whether they still do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.mutants.__main__ import survivors, targets

# Hundreds of mutants a module, on a machine that may do other things too.
pytestmark = [pytest.mark.thorough, pytest.mark.timeout(3600)]
ROOT = Path(__file__).parents[3]
LISTED = survivors()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which checks of the code as it is run which lines, and that all of them pass."""
    file = tmp_path_factory.mktemp("mutants") / "recording.json"
    _asked("--record", str(file))
    return file


def run(module: str, recording: Path, *, listed: bool) -> dict[str, Any]:
    """What became of a module's mutants; they run beside each other, in no process of this one."""
    said = _asked(*(["--listed"] if listed else []), "--recording", str(recording), module)
    found: dict[str, Any] = json.loads(said)
    return found


def _asked(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.policy.mutants", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wrong(found: dict[str, Any], listed: set[str]) -> Iterator[str]:
    """Each mutant that is not as it should be, a line."""
    outcomes = {each["mutant"]: each for each in found["mutants"]}
    for key, each in outcomes.items():
        survived = each["outcome"] == "survived"
        if each["outcome"] == "broken":
            yield f"cannot be made: line {each['line']}: {key} ({each['by']})"
        elif survived and key not in listed:
            yield f"survives: line {each['line']}: {key}"
        elif key in listed and each["outcome"] not in ("survived", "listed"):
            yield f"is listed and does not survive: {key} ({each['by']})"
    yield from (f"is listed and is not there: {key}" for key in sorted(listed - outcomes.keys()))


@pytest.mark.parametrize("module", targets())
def test_no_check_can_be_removed_unnoticed(module: str, recording: Path, request: pytest.FixtureRequest) -> None:
    found = run(module, recording, listed=request.config.getoption("--survivors"))
    assert found["mutants"], "a module without checks decides nothing"
    assert found["outside"] == [], "checks stand in functions, where mutants are made of them"
    assert found["unknown"] == [], "the functions of targets.yaml are there"
    reasons = LISTED.get(module, {})
    keys = [key for each in reasons.values() for key in each]
    assert len(keys) == len(set(keys)), "a mutant is listed once"
    assert list(wrong(found, set(keys))) == []


def test_only_modules_whose_mutants_are_made_have_survivors_listed() -> None:
    assert LISTED.keys() <= targets().keys()
