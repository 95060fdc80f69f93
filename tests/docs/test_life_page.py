"""The page about the life of a VM is true: its files are written, and its commands print what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.docs.test_first_policy import PART, ROOT, commands, run, shown

PAGE = ROOT / "docs" / "life.md"


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART.findall(text)) >= 2

    def happens(match: re.Match[str]) -> str:
        name, content, transcript = match.groups()
        if name:
            (tmp_path / name).write_text(content)
            return match.group()
        made = "".join(shown(command) + run(command, tmp_path) for command in commands(transcript))
        return f"```console\n{made}```"

    golden(PAGE, PART.sub(happens, text))
