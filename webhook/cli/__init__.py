"""The `vmconfig` command (also `kubectl vmconfig`): one verb a thing that one wants to do, exit codes 0, 1 and 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from webhook.cli import audit, conversion, cost, decisions, difference, export, files, policy, verbs
from webhook.findings import Refused
from webhook.server.trace import trace

OK, FINDINGS, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    given = _parser(serving=list(words[:1]) == ["serve"]).parse_args(words)
    try:
        code = _run(given)
        if sys.stdout is not None:  # a process that is started without one has none
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; the interpreter must not complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (files.Unreadable, ValueError, OSError) as error:
        print(f"vmconfig: {error}", file=sys.stderr)
        return USAGE
    except Exception as error:  # an error of ours is shown without texts of the file
        print(f"vmconfig: an unexpected error:\n{trace(error)}", file=sys.stderr)
        return USAGE
    return code


def _run(given: argparse.Namespace) -> int:
    try:
        code: int = given.run(given)
    except Refused as refused:
        return verbs.show_findings(refused.findings, given.output)
    return code


class _Version(argparse.Action):
    """Prints the version, which is looked up only then: what reads packages' metadata is slow to import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"vmconfig {version('vmconfig')}")
        parser.exit()


def _parser(serving: bool = True) -> argparse.ArgumentParser:
    """The command's grammar; without `serving`, `serve` is known but not its flags."""
    parser = argparse.ArgumentParser(
        prog="vmconfig",
        description="virtual machines on Kubernetes: a few words become complete, safe, frozen hardware",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    found = parser.add_subparsers(required=True, metavar="VERB")
    for name, run, text in (
        ("expand", verbs.expand, "complete a VM as the webhook would on create"),
        ("render", verbs.render, "the libvirt XML of a VM"),
        ("check", verbs.check, "the findings that the webhook would give; exit code 1 where there are some"),
    ):
        verb = _verb(found, name, run, text)
        _with_file(verb)
        _with_rules(verb)
        if name == "render":
            verb.add_argument(
                "--bundle", action="store_true", help="with the secrets, filters and node devices that come first"
            )
    explain = _verb(found, "explain", verbs.explain, "where a value came from: the tenant, a feature, a guest's rule")
    _with_file(explain)
    explain.add_argument("path", metavar="PATH", help="like spec.domain.devices.disks[0].target.bus")
    _with_rules(explain)
    capture = _verb(
        found, "capture", conversion.capture, "a VM with the frontend facts that libvirt added to its running domain"
    )
    _with_file(capture)
    capture.add_argument("--xml", required=True, metavar="FILE", help="`virsh dumpxml` of the running domain")
    imported = _verb(found, "import", conversion.import_xml, "a VM whose frontend is that of libvirt's XML")
    imported.add_argument("xml", metavar="XML", help="`virsh dumpxml --inactive`; - for standard input")
    imported.add_argument("--map", metavar="FILE", help="YAML: claims by image, networks by bridge or libvirt network")
    imported.add_argument("--machine", help="the versioned machine type, where the XML has an alias")
    imported.add_argument("--name", help="the VM's name, where the XML's is no name of a Kubernetes object")
    _verb(found, "crd", verbs.crd, "the CustomResourceDefinitions, for `kubectl apply --server-side`")
    _policy(found)
    audit.add_flags(_verb(found, "audit", audit.run, "what the policies say of all that a cluster has stored"))
    service = found.add_parser("serve", help="serve the webhooks", description="serve the webhooks over TLS")
    if serving:
        # The flags are made of the settings: pydantic models, whose import costs as much as all that the verbs need.
        from webhook.cli import serve

        serve.add_flags(service)
        service.set_defaults(run=serve.run, output="text")
    return parser


def _policy(found: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "tools for policy files: check, test, explain, diff, bench, export, schema"
    tools = found.add_parser("policy", help=text, description=text).add_subparsers(required=True, metavar="TOOL")
    for name, run, said in (
        ("check", policy.check, "load a folder of policies as the service would, with every finding"),
        ("test", policy.test, "run the suites of a folder; name the rules that no case needs"),
    ):
        _verb(tools, name, run, said).add_argument("folder", metavar="DIR", help="a folder of policy files")
    text = "which rule decides about each field of a VM, for a user in a namespace"
    decisions.add_flags(_verb(tools, "explain", decisions.run, text))
    text = "whose VMs other policies would newly refuse or allow; without VMs, which rules differ"
    difference.add_flags(_verb(tools, "diff", difference.run, text))
    cost.add_flags(_verb(tools, "bench", cost.run, "how long policies take to load and to decide"))
    text = "the policies as ValidatingAdmissionPolicies, which hold while the service is gone"
    export.add_flags(_verb(tools, "export", export.run, text))
    _verb(tools, "schema", policy.schema, "the JSON Schema of policy files, for editors")


def _verb(
    found: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: verbs.Verb, text: str
) -> argparse.ArgumentParser:
    verb = found.add_parser(name, help=text, description=text)
    verb.add_argument("-o", "--output", choices=("text", "json", "yaml"), default="text", help="how to print")
    verb.set_defaults(run=run)
    return verb


def _with_file(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", metavar="FILE", help="a manifest with one or more objects; - for standard input")


def _with_rules(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--policies", type=Path, help="folder of policy files (default: the shipped ones)")
    verbs.with_site(verb)
    verb.add_argument(
        "--level", choices=("restricted", "baseline", "privileged"), default="restricted", help="the policy level"
    )


if __name__ == "__main__":
    sys.exit(main())
