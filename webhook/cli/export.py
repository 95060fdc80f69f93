"""`vmconfig policy export`: the policies in another system's language, to stand where the service does not answer."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from webhook.admission.apis import kubevirt_api
from webhook.admission.context import KubeVirtSettings
from webhook.admission.site import classes
from webhook.cli import verbs
from webhook.cli.names import namespace_name
from webhook.cli.verb import POLICY, Verb
from webhook.kinds import GROUP, KINDS, VERSION, declared_fields
from webhook.kubevirt.api import KINDS as KUBEVIRT_KINDS
from webhook.kubevirt.api.projection import acting_annotations
from webhook.policy import LEVELS, Loading, load, shipped
from webhook.policy.vap import Export, ObjectParts, Target, export, export_kubevirt

# The namespaces that the chart's webhooks leave out too.
_WITHOUT = ("kube-system", "vmconfig-system")


class _Literal(yaml.CSafeDumper):
    """YAML in which texts of several lines stand as they are."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, content: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", content, style="|" if "\n" in content or "'" in content else None
    )


_Literal.add_representer(str, _text)


def add_flags(verb: argparse.ArgumentParser) -> None:
    """The flags of `policy export`."""
    verb.add_argument(
        "--vap", action="store_true", required=True, help="as ValidatingAdmissionPolicies and their bindings"
    )
    verb.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="policy files (default: the shipped ones)")
    verb.add_argument(
        "--default-level", choices=LEVELS, default=LEVELS[0], help="the level of namespaces without the label"
    )
    verb.add_argument(
        "--except",
        dest="without",
        type=namespace_name,
        metavar="NAMESPACE",
        action="append",
        help=f"a namespace where they do not hold; may be repeated (default: {', '.join(_WITHOUT)})",
    )
    verb.add_argument(
        "--kubevirt",
        type=namespace_name,
        metavar="NAMESPACE",
        help="of the policies about KubeVirt's own virtual machines; its controllers, of this namespace, pass",
    )
    verbs.with_site(verb)


def run(given: argparse.Namespace) -> int:
    """Print the objects; where a rule cannot be expressed, only the findings that say so."""
    made = _of_kubevirt(given) if given.kubevirt else _of_ours(given)
    if made.findings:
        return verbs.refuse(made.findings, given.output)
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    if given.output == "json":
        verbs.show(made.documents, given.output)
    else:
        yaml.dump_all(made.documents, sys.stdout, _Literal, sort_keys=False, allow_unicode=True, width=120)
    return 0


def _of_ours(given: argparse.Namespace) -> Export:
    loaded = load(given.folder or shipped(), Loading(declared_fields(), given.default_level))
    targets = [Target(GROUP, VERSION, kind.plural, kind.name, kind.spec) for kind in KINDS.values()]
    return export(loaded, targets, given.without or _WITHOUT, classes(verbs.site(given.site)))


def _of_kubevirt(given: argparse.Namespace) -> Export:
    loading = Loading(declared_fields(), given.default_level, kubevirt=kubevirt_api())
    loaded = load(given.folder or shipped(), loading)
    targets = [
        ObjectParts(kind.group, kind.plural, kind.name, kind.parts, kind.metadata)
        for kind in KUBEVIRT_KINDS.values()
        if kind.metadata
    ]
    without = [*(given.without or _WITHOUT), given.kubevirt]
    controllers = sorted(KubeVirtSettings(namespace=given.kubevirt).controllers)
    return export_kubevirt(loaded, targets, acting_annotations(), controllers, without)


VERBS = (
    Verb(
        "export",
        "the policies as ValidatingAdmissionPolicies, which hold while the service is gone",
        run,
        add_flags,
        group=POLICY,
        document=True,
    ),
)
