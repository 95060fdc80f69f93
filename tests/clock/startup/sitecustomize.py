"""Makes `time.sleep` work where libfaketime sets the date alone.

`time.sleep` waits until an absolute monotonic time. libfaketime moves that time by the date's offset, although the
monotonic clock is real, and the kernel refuses it (EINVAL). A wait for a number of seconds is the same sleep.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: SupportsIndex | float) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
