"""`vmconfig hook`: the domain that KubeVirt shall define, as its sidecar shim asks for it.

KubeVirt's launcher waits for it at each start of a VM: no more is imported than that needs.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import orjson

from webhook.cli.verb import Verb
from webhook.findings import Refused


def add_flags(parser: ArgumentParser) -> None:
    """The arguments, as the shim calls `/usr/bin/onDefineDomain`."""
    parser.add_argument("--vmi", required=True, metavar="JSON", help="the VirtualMachineInstance that starts")
    parser.add_argument("--domain", required=True, metavar="XML", help="the domain that KubeVirt made of it")


def run(given: Namespace) -> int:
    """Print the domain with the frozen machine's hardware; findings where the guest would miss something of it."""
    # It reads XML, which no other verb needs.
    from webhook.kubevirt.hook import restate

    try:
        vmi = orjson.loads(given.vmi)
    except orjson.JSONDecodeError:
        print("vmconfig: --vmi: is no JSON", file=sys.stderr)
        return 2
    try:
        sys.stdout.write(restate(vmi, given.domain))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


VERBS = (
    Verb("hook", "the domain of a VM of KubeVirt's with the frozen machine's hardware", run, add_flags, prints=False),
)
