"""What a process pays before it can decide: the import of all that an admission needs, in interpreters of their own.

Beside it stands the import of a part of the standard library, as a measure of the machine and the hour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from bench.processes import ROOT

OURS = "webhook.admission.mutate, webhook.admission.validate"
CALIBRATION = "asyncio, email.message, http.client, logging.config, unittest.mock, xml.etree.ElementTree"
_PROBE = """import time
began = time.process_time()
import {}
print(time.process_time() - began)"""
_RUNS = 7


def seconds() -> tuple[float, float]:
    """Seconds of CPU for our import and for the calibration: the least of some runs, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        # As installed from a wheel: the bytecode is there. The first run of each makes it and does not count.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        runs = [(_once(OURS, environment), _once(CALIBRATION, environment)) for _ in range(_RUNS + 1)][1:]
    return min(ours for ours, _ in runs), min(calibration for _, calibration in runs)


def _once(modules: str, environment: dict[str, str]) -> float:
    probe = [sys.executable, "-c", _PROBE.format(modules)]
    return float(subprocess.run(probe, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout)
