"""The language, decided: each case is some policies, a part of a VM, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import decided, expected

FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
CASES = [(file.stem, case) for file in FILES for case in yaml.load(file.read_text(), yaml.CSafeLoader)]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{stem}: {case['title']}" for stem, case in CASES])
def test_case(case: dict[str, Any]) -> None:
    assert decided(case) == expected(case)
