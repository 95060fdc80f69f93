"""A verb that nobody types: how many devices VMs have."""

from __future__ import annotations

import argparse

from webhook.cli import files, verbs
from webhook.cli.verb import Verb


def run(given: argparse.Namespace) -> int:
    """Print a number for each object."""
    devices = [obj["spec"]["domain"]["devices"] for obj in files.read(given.file)]
    verbs.show([sum(map(len, each.values())) for each in devices], given.output)
    return 0


VERBS = (Verb("count", "how many devices are stated", run, verbs.with_file),)
