"""Waiting for what becomes true in another process. How long it takes is never asserted: machines are busy."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds. What holds at all holds far earlier; beyond this it is said that it does not.
PATIENCE = 300.0


def until(
    holds: Callable[[], object],
    otherwise: str | Callable[[], str] = "it does not come to hold",
    seconds: float = PATIENCE,
) -> None:
    """Return as soon as it holds; an AssertionError says what does not, or was said last."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            said = otherwise if isinstance(otherwise, str) else otherwise()
            raise AssertionError(f"{said}, after {seconds:.0f} s")
        time.sleep(0.02)
