"""The page about configurations and clones is true; its kubectl commands run in tests/e2e/test_sourced_vms.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import PART_IN_TEXT, ROOT, happened
from tests.expand.test_renewal import FIELDS, identity_of

PAGE = ROOT / "docs" / "clones.md"
# All parts but the transcripts of kubectl.
OFFLINE = re.compile(PART_IN_TEXT.pattern.replace("```console\\n", "```console\\n(?!\\$ kubectl)"), re.M | re.S)


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) > 6
    golden(PAGE, happened(text, OFFLINE, tmp_path))


def test_the_table_of_identities_has_every_field_that_is_one() -> None:
    parts = "`sysinfo.serial` `chassis.serial` `baseBoards[*].serial`"
    text = PAGE.read_text().replace("`sysinfo` with `chassis` and `baseBoards`", parts)
    named = tuple(re.findall(r"`([\w.\[\]*]+)`", text))
    assert [path for path, _, _ in FIELDS if identity_of(path) and not path.endswith(named)] == []
