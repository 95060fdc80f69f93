"""The page about the life of a VM is true: its files are written, and its commands print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART, ROOT, happened

PAGE = ROOT / "docs" / "life.md"


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART.findall(text)) >= 2

    golden(PAGE, happened(text, PART, tmp_path))
