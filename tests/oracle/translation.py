"""Domains as command lines of QEMU, by the installed libvirt or the newest one, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import newest
from tests.oracle.hypervisor import CONF

_SCRIPT = Path(__file__).parent / "translate.py"


@dataclass(frozen=True)
class Translated:
    """libvirt's version as it counts (9.0.0 is 9000000); each document's command line, or why there is none."""

    version: int
    lines: dict[str, str]
    refused: dict[str, str]


def by_the_installed(documents: list[str], folder: Path) -> Translated:
    """By the machine's own libvirt; its state goes into the folder."""
    return _translated(documents, [sys.executable, str(_SCRIPT)], folder)


def by_the_newest(documents: list[str]) -> Translated:
    """By the newest libvirt of Debian, below a root of its own; skips where there cannot be one."""
    root = newest.folder()
    (root / _SCRIPT.name).write_text(_SCRIPT.read_text())
    return _translated(documents, newest.command(root, "/usr/bin/python3", f"/{_SCRIPT.name}"), Path("/tmp/libvirt"))


def _translated(documents: list[str], command: list[str], state: Path) -> Translated:
    asked = {"root": str(state), "configuration": CONF, "documents": documents}
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"`{' '.join(command)}` failed: {done.stderr[-2000:]}")
    answered = json.loads(done.stdout)
    both = list(zip(documents, answered["lines"], strict=True))
    return Translated(
        answered["version"],
        {document: line for document, (line, _) in both if line},
        {document: why for document, (line, why) in both if not line},
    )
