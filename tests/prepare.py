"""What the tests need of a machine, installed and built before pytest starts: `make prepare`.

Nothing of it happens inside a test, where it would count against the test's time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests import packages
from tests.cluster import build
from tests.oracle import newer, newest


def main() -> int:
    """The exit code: 1 where an installation or a build failed."""
    try:
        missing = packages.install()
        missing += [what for what in (newest.install(),) if what]
        build.packaged_go()
        build.build_all()
        with tempfile.TemporaryDirectory() as folder:
            newer.places(Path(folder))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    if missing:
        print(f"missing, so that the tests which need it are skipped: {', '.join(missing)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
