"""The page about machines that exist already is true: its files are written, and its commands print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART_IN_TEXT, ROOT, happened

PAGE = ROOT / "docs" / "import.md"


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) > 6

    golden(PAGE, happened(text, PART_IN_TEXT, tmp_path))
