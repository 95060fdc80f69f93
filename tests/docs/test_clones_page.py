"""The page about configurations and clones is true; its kubectl commands run in tests/e2e/test_sourced_vms.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.docs.test_first_policy import ROOT, commands, run, shown
from tests.docs.test_import_page import PART
from tests.expand.test_renewal import FIELDS, identity_of

PAGE = ROOT / "docs" / "clones.md"


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    def happens(match: re.Match[str]) -> str:
        name, content, transcript = match.groups()
        if name:
            (tmp_path / name).write_text(content)
            return match.group()
        if "$ kubectl" in transcript:
            return match.group()
        made = "".join(shown(command) + run(command, tmp_path) for command in commands(transcript))
        return f"```console\n{made}```"

    text = PAGE.read_text()
    assert len(PART.findall(text)) > 6
    golden(PAGE, PART.sub(happens, text))


def test_the_table_of_identities_has_every_field_that_is_one() -> None:
    parts = "`sysinfo.serial` `chassis.serial` `baseBoards[*].serial`"
    text = PAGE.read_text().replace("`sysinfo` with `chassis` and `baseBoards`", parts)
    named = tuple(re.findall(r"`([\w.\[\]*]+)`", text))
    assert [path for path, _, _ in FIELDS if identity_of(path) and not path.endswith(named)] == []
