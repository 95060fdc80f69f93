"""`vmconfig explain`: where the values of VMs come from."""

from __future__ import annotations

import argparse

from webhook.admission.explain import Explanation
from webhook.admission.explain import explain as explain_values
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.findings import Refused


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)
    parser.epilog = (
        "The last SOURCE may be a path like spec.domain.devices.disks[0].target.bus; without one, all values."
    )


def run(given: argparse.Namespace) -> int:
    """Print where the value at a path came from, of each object; without a path all values of the domain."""
    path = _path(given)
    found = objects.read(given)
    context = verbs.context(given, found.labels)
    explained: list[tuple[Manifest, list[Explanation]]] = []
    for one in found.found:
        try:
            explained.append((one, explain_values(one.obj, path, context)))
        except Refused as refused:
            return verbs.show_findings(one.about(refused.findings), given.output)
    if given.output == "text":
        print("\n".join(_text(one, all_of_it, len(explained) > 1) for one, all_of_it in explained))
    else:
        trees = [{**one.as_dict(), **each.as_dict()} for one, all_of_it in explained for each in all_of_it]
        verbs.show([trees], given.output)
    return 0


def _path(given: argparse.Namespace) -> str:
    """The path, which is taken out of the sources: their last one, where it names no object and another does."""
    if (given.sources[1:] or given.filename) and given.sources and not objects.is_source(given.sources[-1]):
        path: str = given.sources.pop()
        return path
    return ""


def _text(manifest: Manifest, explained: list[Explanation], several: bool) -> str:
    lines = [f"{each.path} = {each.text}\n  " + "\n  ".join(each.reasons) for each in explained]
    return "\n".join([f"# {manifest}", *lines] if several else lines)


VERBS = (Verb("explain", "where values came from: the tenant, a feature, a guest's rule", run, add_flags),)
