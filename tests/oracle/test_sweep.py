"""The rules of what starts, and the sweep, each in a process of its own.

They have libvirt refuse thousands of domains. libvirt 9.0 corrupts its heap over some of these refusals, and ends the
process it is in at any later moment: here that is one which has nothing else to do.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.thorough
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("file", ["fitting_cases.py", "sweep_cases.py"])
def test_what_check_passes_starts(file: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(HERE / file)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    # The summary is the last word of a run that came to its end, whatever becomes of the process after it.
    summary = next((line for line in reversed(done.stdout.splitlines()) if re.search(r"\d+ passed", line)), "")
    assert summary, done.stdout[-4000:] + done.stderr[-4000:]
    assert not re.search(r"\d+ (failed|error)", summary), done.stdout[-8000:]
