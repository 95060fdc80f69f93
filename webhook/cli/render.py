"""`vmconfig render`: the libvirt XML of VMs."""

from __future__ import annotations

import argparse

from webhook.admission import offline
from webhook.cli import objects, verbs
from webhook.cli.host import at_host, host_of, with_host
from webhook.cli.verb import Verb
from webhook.kinds import KINDS


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)
    parser.add_argument(
        "--bundle", action="store_true", help="with the secrets, filters and node devices that come first"
    )
    with_host(parser, "the host that it is for, as `vmconfig host` writes it: the bundle as that host starts it")


def run(given: argparse.Namespace) -> int:
    """Print the libvirt XML of every VM; an incomplete one is completed first."""
    from webhook.libvirt.bundle import bundle
    from webhook.libvirt.xml.render import render as to_xml

    found = objects.read(given)
    host = host_of(given.host) if given.host else None
    context, requester = verbs.context(given, found.labels), verbs.requester(given)
    documents = []
    for one in found.found:
        if host is not None:
            context = at_host(context, given, host, one.obj)
        complete, findings, warnings = offline.expand_object(one.obj, context, requester)
        verbs.warn(warnings, one)
        if findings or complete is None:
            return verbs.refuse(one.about(findings), given.output)
        domain, name, namespace = offline.domain_of(complete)
        if host is None and not given.bundle:
            documents.append(to_xml(domain, name))
        else:
            path = f"{KINDS[complete['kind']].spec_path}.domain"
            documents += bundle(domain, name, host, namespace, path).documents()
    if given.output == "text":
        print("\n".join(document.rstrip("\n") for document in documents))
    else:
        verbs.show([{"xml": document} for document in documents], given.output)
    return 0


VERBS = (Verb("render", "the libvirt XML of VMs, for no host or for one", run, add_flags, document=True),)
