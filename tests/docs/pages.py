"""Pages that are run: their files are written, their commands run, and what these print stands in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
# A file's name on a line of its own and its content, or a transcript.
PART = re.compile(r"^`([^`]+)`:\n\n```yaml\n(.*?)^```$|^```console\n(.*?)^```$", re.M | re.S)
# The same where the name ends a paragraph, and for XML.
PART_IN_TEXT = re.compile(r"`([\w.-]+)`:\n\n```(?:yaml|xml)\n(.*?)^```$|^```console\n(.*?)^```$", re.M | re.S)


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


def happened(text: str, part: re.Pattern[str], folder: Path, runs: Callable[[str], str] | None = None) -> str:
    """The page's text with what its commands print, one after the other in a folder; `runs`: how one is run."""
    runs = runs or partial(run, folder=folder)

    def happens(match: re.Match[str]) -> str:
        name, content, transcript = match.groups()
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
            return match.group()
        return "```console\n" + "".join(shown(command) + runs(command) for command in commands(transcript)) + "```"

    return part.sub(happens, text)
