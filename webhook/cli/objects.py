"""The objects that a verb is about: manifests of files and folders, or VMs of a cluster by kind and name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Iterable
from pathlib import Path

from webhook.cli import manifests, verbs
from webhook.cli.files import Unreadable
from webhook.cli.manifests import Manifest, Manifests
from webhook.declare import shown
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, Kind
from webhook.trees import Tree

# How people and kubectl call the kinds, without regard to case.
_KINDS = {
    word.lower(): kind
    for kind in KINDS.values()
    for word in (kind.name, f"{kind.name}s", kind.singular, kind.plural, *kind.short_names)
}


def with_objects(parser: argparse.ArgumentParser) -> None:
    """The arguments that name the objects."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a manifest, a folder of them, - for standard input, or vm/NAME of a cluster",
    )
    parser.add_argument(
        "-f", "--filename", action="append", default=[], metavar="FILE", help="the same, as kubectl has it; repeatable"
    )
    with_cluster(parser)


def with_cluster(parser: argparse.ArgumentParser) -> None:
    """The flags about VMs of a cluster."""
    parser.add_argument(
        "-n", "--namespace", metavar="NS", help="the namespace of VMs of a cluster, and of objects that state none"
    )
    parser.add_argument(
        "--kubeconfig", type=Path, help="the cluster of vm/NAME (default: this pod's, or the user's current one)"
    )


def read(
    given: argparse.Namespace, *, snapshots: bool = False, kubevirt: bool = False, partial: bool = False
) -> Manifests:
    """The objects that the arguments name, in their order; what of other kinds was skipped is said.

    Snapshots and KubeVirt's own objects are of another kind, too, unless they are asked for. With `partial` a file that
    cannot be read keeps back no other.
    Raises Unreadable where nothing is named or is not there, Refused where there is no VM.
    """
    sources = [*given.filename, *given.sources]
    if not sources:
        raise Unreadable("no object is named: give a file, a folder, `-` for standard input, or vm/NAME")
    live = {source: found for source in sources if (found := _live(source)) is not None}
    files = [source for source in sources if source not in live]
    made = manifests.read(*files, snapshots=snapshots, kubevirt=kubevirt, partial=partial) if files else Manifests()
    if live:
        _fetch(live.values(), given, made)
    if made.skipped:
        print(f"note: {made.told()}", file=sys.stderr)
    return made


def show_made(found: Iterable[Manifest], make: Callable[[Manifest], Tree], output: str) -> int:
    """Print what is made of each object; where one makes none, the findings alone."""
    made: list[Tree] = []
    findings = Findings(most=sys.maxsize)
    for one in found:
        try:
            made.append(make(one))
        except Refused as refused:
            findings.take(one.about(refused.findings))
    if findings:
        return verbs.refuse(findings, output)
    verbs.show_objects(made, output)
    return 0


def is_source(word: str) -> bool:
    """Whether a word names objects: standard input, a file that is there, or a VM of a cluster."""
    return word == "-" or Path(word).exists() or _live(word) is not None


def _live(source: str) -> tuple[Kind, str] | None:
    """The kind and the name in `vm/web-1`; None for a file, which may be called so, too."""
    kind, slash, name = source.partition("/")
    if not slash or not name or "/" in name or Path(source).exists():
        return None
    found = _KINDS.get(kind.lower())
    return None if found is None else (found, name)


def _fetch(wanted: Iterable[tuple[Kind, str]], given: argparse.Namespace, made: Manifests) -> None:
    """Objects of a cluster, with the labels of their namespace."""
    # The kubernetes client costs half a second, which verbs about files need not pay.
    from webhook.cluster.api import Unanswered, connected, usual_namespace
    from webhook.cluster.vms import named, namespaces

    api = connected(given.kubeconfig)
    namespace = given.namespace or usual_namespace(given.kubeconfig)
    findings: list[Finding] = []
    for kind, name in wanted:
        try:
            made.add(Manifest(named(api, kind, namespace, name)))
        except Unanswered as error:
            if error.status != 404:
                raise
            problem = f"is not in the namespace `{shown(namespace)}`"
            way = f"see `kubectl get {kind.plural} --all-namespaces`, and name another with `-n`"
            findings.append(Finding(f"{kind.short_names[0]}/{name}", problem, way, "cluster"))
    if findings:
        raise Refused(findings)
    made.labels |= {name: labels for name, labels in namespaces(api, [namespace]).items() if name not in made.labels}


def there(wanted: Iterable[str], spaces: Container[str]) -> None:
    """Raise Refused where a namespace that was named is not there."""
    missing = [name for name in wanted if name not in spaces]
    if missing:
        raise Refused(
            Finding("--namespace", f"`{name}` is not there", "see `kubectl get namespaces`", "cluster")
            for name in missing
        )
