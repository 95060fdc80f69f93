"""The verbs about the objects of a file, the flags that they share with others, and how all of them print."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.explain import explain as explain_value
from webhook.cli import files
from webhook.cli.verb import Verb
from webhook.cli.yaml_output import written
from webhook.features.platform import Site
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import declared_fields
from webhook.kinds.crd import crds
from webhook.policy import Policies, shipped

Tree = dict[str, Any]
# An object's annotations have 256 KiB together (apimachinery: TotalAnnotationSizeLimitB).
_APPLIED = (
    "# Apply with `kubectl apply --server-side -f FILE`: a plain apply would keep a copy of each in its annotations,\n"
    "# which have 256 KiB."
)


def context(given: argparse.Namespace) -> AdmissionContext:
    """The policies and the site that the flags name."""
    policies = Policies(given.policies or shipped(), declared_fields(), given.level)
    return AdmissionContext(policies=policies, site=site(given.site))


def with_site(parser: argparse.ArgumentParser) -> None:
    """The flag that names the site's file."""
    parser.add_argument("--site", type=Path, help="YAML file about the nodes: machines, graphics, domainType")


def with_file(parser: argparse.ArgumentParser) -> None:
    """The argument that names the objects."""
    parser.add_argument("file", metavar="FILE", help="a manifest with one or more objects; - for standard input")


def _with_rules(parser: argparse.ArgumentParser) -> None:
    """The flags that `context` reads."""
    parser.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    with_site(parser)
    parser.add_argument(
        "--level", choices=("restricted", "baseline", "privileged"), default="restricted", help="the policy level"
    )


def _of_objects(parser: argparse.ArgumentParser) -> None:
    with_file(parser)
    _with_rules(parser)


def _of_render(parser: argparse.ArgumentParser) -> None:
    _of_objects(parser)
    parser.add_argument(
        "--bundle", action="store_true", help="with the secrets, filters and node devices that come first"
    )


def _of_explain(parser: argparse.ArgumentParser) -> None:
    with_file(parser)
    parser.add_argument("path", metavar="PATH", help="like spec.domain.devices.disks[0].target.bus")
    _with_rules(parser)


def site(path: Path | None) -> Site:
    """The site of a file, as `webhook.server.settings` reads it; without one, the site of which nothing is known."""
    if path is None:
        return Site()
    # Settings are pydantic models, whose import costs as much as all that the verbs need.
    from webhook.server.settings import read_site

    return read_site(path)


def expand(given: argparse.Namespace) -> int:
    """Print every object as it would be stored."""
    objects = _objects(given)
    made: list[Tree] = []
    findings = Findings(most=sys.maxsize)
    for obj in objects:
        complete, found, warnings = offline.expand_object(obj, given.context)
        _warn(warnings)
        findings.take(found)
        if complete is not None:
            made.append(complete)
    if findings:
        return show_findings(findings, given.output)
    show(made, given.output)
    return 0


def render(given: argparse.Namespace) -> int:
    """Print the libvirt XML of every VM; an incomplete one is completed first."""
    from webhook.libvirt.bundle import bundle
    from webhook.libvirt.render import render as to_xml

    documents = []
    for obj in _objects(given):
        complete, findings, warnings = offline.expand_object(obj, given.context)
        _warn(warnings)
        if findings or complete is None:
            return show_findings(findings, given.output)
        domain, name, namespace = offline.domain_of(complete)
        made = bundle(domain, name, namespace=namespace).documents() if given.bundle else [to_xml(domain, name)]
        documents += made
    if given.output == "text":
        print("\n".join(document.rstrip("\n") for document in documents))
    else:
        _print([{"xml": document} for document in documents], given.output)
    return 0


def check(given: argparse.Namespace) -> int:
    """Print all findings; exit code 1 where there are some."""
    findings = Findings(most=sys.maxsize)
    for obj in _objects(given):
        found, warnings = offline.check(obj, given.context)
        _warn(warnings)
        findings.take(found)
    return show_findings(findings, given.output)


def explain(given: argparse.Namespace) -> int:
    """Print where the value at a path came from."""
    lines = [line for obj in _objects(given) for line in explain_value(obj, given.path, given.context)]
    if given.output == "text":
        print("\n  ".join(lines))
    else:
        _print([lines], given.output)
    return 0


def crd(given: argparse.Namespace) -> int:
    """Print the CustomResourceDefinitions; as YAML they say how they are applied."""
    if given.output != "json":
        print(_APPLIED)
    show(crds(), given.output)
    return 0


def show(trees: list[Any], output: str) -> None:
    """Print objects; YAML is their text."""
    _print(trees, "yaml" if output == "text" else output)


def show_findings(findings: list[Finding], output: str) -> int:
    """Print findings, in text or as a list of {path, problem, help, rule}; the exit code."""
    if output == "json":
        sys.stdout.write(_json([finding.as_dict() for finding in findings]))
    elif output == "yaml":
        sys.stdout.write(written([[finding.as_dict() for finding in findings]]))
    else:
        for finding in findings:
            print(finding if not finding.rule else f"{finding}\n  rule: {finding.rule}")
        if isinstance(findings, Findings) and findings.cut:
            print(f"at least {len(findings)} problems; what comes after these was not looked for", file=sys.stderr)
    return 1 if findings else 0


def _objects(given: argparse.Namespace) -> list[Any]:
    objects = files.read(given.file)
    if not objects:
        raise Refused(
            [Finding(given.file, "holds no object", "a manifest begins with `apiVersion` and `kind`", "kind")]
        )
    given.context = context(given)
    return objects


def _print(trees: list[Any], output: str) -> None:
    """One tree as it is, several as documents or as a list."""
    if output == "json":
        sys.stdout.write(_json(trees[0] if len(trees) == 1 else trees))
    else:
        sys.stdout.write(written(trees))


def _json(tree: Any) -> str:
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


VERBS = (
    Verb("expand", "complete a VM as the webhook would on create", expand, _of_objects),
    Verb("render", "the libvirt XML of a VM", render, _of_render),
    Verb("check", "the findings that the webhook would give; exit code 1 where there are some", check, _of_objects),
    Verb("explain", "where a value came from: the tenant, a feature, a guest's rule", explain, _of_explain),
    Verb("crd", "the CustomResourceDefinitions, for `kubectl apply --server-side`", crd),
)
