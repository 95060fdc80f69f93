"""The tutorial is true: its files are written, its commands run, and their output is what it shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART, ROOT, happened

PAGE = ROOT / "docs" / "first-policy.md"


def test_the_tutorial_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = PAGE.read_text()
    assert len(PART.findall(text)) > 10

    golden(PAGE, happened(text, PART, tmp_path))
