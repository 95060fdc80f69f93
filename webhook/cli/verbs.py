"""What verbs have in common: the flags about policies and the site, and how all of them print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import orjson

from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import NOBODY, Requester
from webhook.cli.yaml_output import written
from webhook.features.platform import Site
from webhook.findings import Finding, Findings
from webhook.policy import Policies, shipped
from webhook.trees import Tree


def context(
    given: argparse.Namespace, labels: Mapping[str, Mapping[str, str]] | None = None, *, kubevirt: bool = False
) -> AdmissionContext:
    """The policies and the site that the flags name; `labels` are those of namespaces, by name.

    `kubevirt`: the policies about its own virtual machines are read, too.
    """
    policies = Policies(given.policies or shipped(), apis(with_kubevirt=kubevirt), given.level)
    known = labels or {}
    return AdmissionContext(policies=policies, site=site(given.site), labels=lambda name: known.get(name, {}))


def requester(given: argparse.Namespace, user: str = "", groups: tuple[str, ...] = ()) -> Requester:
    """Who asks, in the namespace that the flags name."""
    return Requester(user, groups, given.namespace or NOBODY.namespace)


def with_site(parser: argparse.ArgumentParser) -> None:
    """The flag that names the site's file."""
    what = "YAML file about the nodes: machines, nodeMachines, graphics, domainType, ruleSet"
    parser.add_argument("--site", type=Path, help=what)


def with_file(parser: argparse.ArgumentParser) -> None:
    """The argument that names the one manifest."""
    parser.add_argument("file", metavar="FILE", help="a manifest with one or more objects; - for standard input")


def with_rules(parser: argparse.ArgumentParser) -> None:
    """The flags that `context` reads."""
    parser.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    with_site(parser)
    parser.add_argument(
        "--level",
        choices=("restricted", "baseline", "privileged"),
        default="restricted",
        help="the policy level of namespaces without a label",
    )


def site(path: Path | None) -> Site:
    """The site of a file, as `webhook.server.settings` reads it; without one, the site of which nothing is known."""
    if path is None:
        return Site()
    # Settings are pydantic models, whose import costs as much as all that the verbs need.
    from webhook.server.settings import read_site

    return read_site(path)


def show(trees: list[Any], output: str) -> None:
    """Print objects; YAML is their text. One tree is printed as it is, several as documents or as a list."""
    if output == "json":
        sys.stdout.write(_json(trees[0] if len(trees) == 1 else trees))
    else:
        sys.stdout.write(written(trees))


def show_objects(made: list[Tree], output: str) -> None:
    """Print objects of Kubernetes'; several in JSON are a `List`, as kubectl takes them."""
    several = output == "json" and len(made) > 1
    show([{"apiVersion": "v1", "kind": "List", "items": made}] if several else made, output)


def refuse(findings: list[Finding], output: str) -> int:
    """The same as `show_findings` where standard output is a document's: on standard error."""
    with redirect_stdout(sys.stderr):
        return show_findings(findings, output)


def show_findings(findings: list[Finding], output: str) -> int:
    """Print findings, in text or as a list of objects with path, problem, help and rule; the exit code."""
    if output == "json":
        sys.stdout.write(_json([finding.as_dict() for finding in findings]))
    elif output == "yaml":
        sys.stdout.write(written([[finding.as_dict() for finding in findings]]))
    else:
        for finding in findings:
            print(told(finding))
        if isinstance(findings, Findings) and findings.cut:
            print(f"at least {len(findings)} problems; what comes after these was not looked for", file=sys.stderr)
    return 1 if findings else 0


def tell_unread(findings: Iterable[Finding]) -> None:
    """Say of which files nothing was read, and why, beside what the others come to."""
    for finding in findings:
        print(f"not read: {told(finding)}", file=sys.stderr)


def told(finding: Finding) -> str:
    """A finding as text, with its rule where it has one."""
    return f"{finding}\n  rule: {finding.rule}" if finding.rule else str(finding)


def warn(warnings: Iterable[str], whose: object) -> None:
    """Print warnings about one object."""
    for warning in warnings:
        print(f"warning: {whose}: {warning}", file=sys.stderr)


def _json(tree: Any) -> str:
    # A number that keeps the word it was read from is a number.
    return orjson.dumps(tree, default=float, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
