"""The page about KubeVirt's machines is true: its files are written, and its commands print what it shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART_IN_TEXT, ROOT, happened

PAGE = ROOT / "docs" / "kubevirt-policy.md"


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) == 7

    golden(PAGE, happened(text, PART_IN_TEXT, tmp_path))
