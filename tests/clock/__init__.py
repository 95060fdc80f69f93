"""A service whose clock is not the machine's: libfaketime sets its date, and monotonic time stays real."""

from __future__ import annotations

from pathlib import Path

from tests.packages import need

# What is added to a clock, in seconds, to have it one day later.
DAY = 24 * 60 * 60
_HERE = Path(__file__).parent
# The build with locks: the service has threads.
_LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Clock:
    """The machine's clock and some seconds, which can be changed while processes have it."""

    def __init__(self, file: Path, ahead: int = 0) -> None:
        self._file = file
        self.set(ahead)

    def set(self, ahead: int) -> None:
        moved = self._file.with_suffix(".new")
        moved.write_text(f"{ahead:+d}\n")
        moved.rename(self._file)

    def environment(self) -> dict[str, str]:
        """What a Python has to be started with; `startup` has what it runs first."""
        need("clock")
        return {
            "LD_PRELOAD": _LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(_HERE / "startup"),
        }
