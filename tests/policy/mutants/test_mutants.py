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


def run(module: str, *, listed: bool = True) -> dict[str, Any]:
    """What became of a module's mutants; they run beside each other, in no process of this one."""
    command = [sys.executable, "-m", "tests.policy.mutants", *(["--listed"] if listed else []), module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["whole"] == {"outcome": "survived"}, f"{module} as it is does not pass"
    return found


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
def test_no_check_can_be_removed_unnoticed(module: str, request: pytest.FixtureRequest) -> None:
    found = run(module, listed=request.config.getoption("--survivors"))
    assert found["mutants"], "a module without checks decides nothing"
    assert found["outside"] == [], "checks stand in functions, where mutants are made of them"
    assert found["unknown"] == [], "the functions of targets.yaml are there"
    reasons = LISTED.get(module, {})
    keys = [key for each in reasons.values() for key in each]
    assert len(keys) == len(set(keys)), "a mutant is listed once"
    assert list(wrong(found, set(keys))) == []


def test_only_modules_whose_mutants_are_made_have_survivors_listed() -> None:
    assert LISTED.keys() <= targets().keys()
