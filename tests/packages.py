"""Debian packages that tests need: installed where they are missing and root may; elsewhere the test skips."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable

import pytest


def need(packages: Iterable[str]) -> None:
    """Everything that is missing; where that cannot be installed, the test that needs it is skipped and says why."""
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}, and only root on Debian can install them")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], quiet)


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """A step of an installation; what it cannot do fails the test with its words."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        pytest.fail(f"`{' '.join(command)}` failed: {done.stderr[-2000:]}")


def _installed(package: str) -> bool:
    said = (
        subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], check=False, capture_output=True, text=True)
        if shutil.which("dpkg-query")
        else None
    )
    return said is not None and said.stdout.endswith("ok installed")
