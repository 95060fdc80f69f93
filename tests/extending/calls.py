"""Run where the working directory has a service: the command's calls of standard input, each in turn, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

from webhook.cli import main


def called(words: list[str]) -> tuple[int, str, str]:
    """How one call ends, and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    code: Any
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    except SystemExit as left:
        code = left.code
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    print(json.dumps([called(words) for words in json.load(sys.stdin)]))
