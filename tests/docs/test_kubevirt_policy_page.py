"""The page about KubeVirt's machines is true: its files are written, and its commands print what it shows."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.test_first_policy import ROOT, commands, run, shown

PAGE = ROOT / "docs" / "kubevirt-policy.md"
# A file's name at the end of a paragraph and its content, or a transcript.
PART = re.compile(r"`([\w.-]+)`:\n\n```yaml\n(.*?)^```$|^```console\n(.*?)^```$", re.M | re.S)


def test_the_page_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = PAGE.read_text()
    assert len(PART.findall(text)) == 5

    def happens(match: re.Match[str]) -> str:
        name, content, transcript = match.groups()
        if name:
            (tmp_path / name).write_text(content)
            return match.group()
        made = "".join(shown(command) + run(command, tmp_path) for command in commands(transcript))
        return f"```console\n{made}```"

    golden(PAGE, PART.sub(happens, text))
