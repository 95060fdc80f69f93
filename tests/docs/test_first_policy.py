"""The tutorial is true: its files are written, its commands run, and their output is what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-policy.md"
# A file's name on a line of its own and its content, or a transcript.
PART = re.compile(r"^`([^`]+)`:\n\n```yaml\n(.*?)^```$|^```console\n(.*?)^```$", re.M | re.S)


def commands(transcript: str) -> list[str]:
    """The commands of a transcript; lines that begin with `> ` go on with the one before."""
    found: list[str] = []
    for line in transcript.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> "):
            found[-1] += f"\n{line[2:]}"
    return found


def shown(command: str) -> str:
    first, *rest = command.splitlines()
    return "\n".join([f"$ {first}", *(f"> {line}" for line in rest)]) + "\n"


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return done.stdout + done.stderr


def test_the_tutorial_is_what_happens(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = PAGE.read_text()
    assert len(PART.findall(text)) > 10

    def happens(match: re.Match[str]) -> str:
        name, content, transcript = match.groups()
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
            return match.group()
        made = "".join(shown(command) + run(command, tmp_path) for command in commands(transcript))
        return f"```console\n{made}```"

    golden(PAGE, PART.sub(happens, text))
