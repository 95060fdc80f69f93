"""The page about the tests names every folder of them, and no two files of tests have one name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_the_page_names_every_folder() -> None:
    page = (TESTS / "README.md").read_text()
    folders = {file.parent.relative_to(TESTS).as_posix() for file in TESTS.glob("**/test_*.py")}
    assert sorted(folder for folder in folders if f"`{folder}`" not in page and folder != "extending/fakes") == []


def test_no_two_files_have_one_name() -> None:
    names = Counter(file.name for file in TESTS.glob("**/test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
