"""`vmconfig serve`: flags and environment variables made of the settings' own declaration.

Settings are pydantic models, whose import costs as much as all that the other verbs need, so it waits for this one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from webhook.cli.verb import Verb
from webhook.findings import Finding, Refused

if TYPE_CHECKING:
    from webhook.server.settings import Settings

# Settings have names of their own beside those of other verbs' arguments.
_DEST = "setting_"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for each setting."""
    from webhook.server.settings import PREFIX, Settings

    for name, field in Settings.model_fields.items():
        text = f"{field.description} (environment: {PREFIX}{name.upper()})"
        # A name of the certificate is given once a flag; every other setting has one value.
        several = {"action": "append"} if name == "dns_names" else {}
        flag = "--dns-name" if name == "dns_names" else f"--{name.replace('_', '-')}"
        parser.add_argument(flag, dest=_DEST + name, help=text, default=None, metavar=name.upper(), **several)  # type: ignore[arg-type]


def read(given: argparse.Namespace) -> Settings:
    """The settings: flags first, then the environment, then the defaults; raises Refused with all findings."""
    from pydantic import ValidationError

    from webhook.server.settings import PREFIX, Settings

    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = getattr(given, _DEST + name)
        from_environment = os.environ.get(PREFIX + name.upper())
        if value is None and from_environment is not None:
            value = from_environment.split(",") if name == "dns_names" else from_environment
        if value is not None:
            values[name] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise Refused(_finding(problem) for problem in error.errors()) from None


def _finding(problem: Any) -> Finding:
    name = str(problem["loc"][0])
    return Finding(f"--{name.replace('_', '-')}", problem["msg"].lower(), "see docs/settings.md", "settings")


def run(given: argparse.Namespace) -> int:
    """Serve, and end the process; returns only where settings cannot be, which is a matter of usage."""
    # Until the server itself takes the signal. Process 1 of a container gets only those that it has a handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # uvicorn and cryptography cost half a second, which the other verbs need not pay.
    from certs.bundle import Unusable
    from webhook.server.run import serve

    try:
        # Threads may still wait for a cluster or for a reader of the log. They are left behind: one that wakes while
        # the interpreter takes itself down would abort the process.
        os._exit(serve(read(given)))
    except Refused as refused:
        for finding in refused.findings:
            print(f"vmconfig: {finding}", file=sys.stderr)
    except (Unusable, ValueError, OSError) as error:
        print(f"vmconfig: {error}", file=sys.stderr)
    return 2


VERBS = (Verb("serve", "serve the webhooks over TLS", run, add_flags, prints=False),)
