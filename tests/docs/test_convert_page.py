"""The page about conversions is true: its commands print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART_IN_TEXT, ROOT, happened

PAGE = ROOT / "docs" / "convert.md"


def test_the_commands_print_what_the_page_shows(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) == 5

    golden(PAGE, happened(text, PART_IN_TEXT, tmp_path))
