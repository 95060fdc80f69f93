"""How long to wait after failures, for every loop of the service that tries again. Uses only the standard library."""

from __future__ import annotations

import random


def backoff(failures: int, soonest: float, longest: float) -> float:
    """Seconds until the next try after `failures` (from 1) in a row: `soonest`, doubled by each further one.

    It is `longest` at most, and between half and all of that at random, so that replicas do not come together.
    """
    most = min(soonest * 2.0 ** min(failures - 1, 16), longest)
    return most * random.uniform(0.5, 1)  # noqa: S311 (spreads replicas, guards nothing)
