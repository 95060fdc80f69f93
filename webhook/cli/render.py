"""`vmconfig render`: the libvirt XML of VMs."""

from __future__ import annotations

import argparse

from webhook.admission import offline
from webhook.cli import objects, verbs
from webhook.cli.verb import Verb


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)
    parser.add_argument(
        "--bundle", action="store_true", help="with the secrets, filters and node devices that come first"
    )


def run(given: argparse.Namespace) -> int:
    """Print the libvirt XML of every VM; an incomplete one is completed first."""
    from webhook.libvirt.bundle import bundle
    from webhook.libvirt.render import render as to_xml

    found = objects.read(given)
    context, requester = verbs.context(given, found.labels), verbs.requester(given)
    documents = []
    for one in found.found:
        complete, findings, warnings = offline.expand_object(one.obj, context, requester)
        verbs.warn(warnings, one)
        if findings or complete is None:
            return verbs.show_findings(one.about(findings), given.output)
        domain, name, namespace = offline.domain_of(complete)
        made = bundle(domain, name, namespace=namespace).documents() if given.bundle else [to_xml(domain, name)]
        documents += made
    if given.output == "text":
        print("\n".join(document.rstrip("\n") for document in documents))
    else:
        verbs.show([{"xml": document} for document in documents], given.output)
    return 0


VERBS = (Verb("render", "the libvirt XML of VMs", run, add_flags),)
