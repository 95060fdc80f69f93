"""`python -m certs`: makes certificates in a folder or a cluster's Secret, keeps them fresh, and shows them.

Exits 0 when all is well, 1 with one line on standard error when not (`show` also for what has expired), 2 for usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from certs.authority import Names, names_of, parse_names
from certs.bundle import Bundle, Unusable, days_left, parse
from certs.cluster import Registrations, Secret, connect, described
from certs.ensure import ensure
from certs.store import Conflict, Folder


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    now = datetime.now(UTC)
    try:
        bundle = given.run(given, now)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    except (Unusable, Conflict, OSError) as error:
        return _fail(str(error))
    except Exception as error:  # the kubernetes client's own, known only once it is imported
        return _fail(described(error))
    facts = _facts(bundle, now)
    print(json.dumps(facts, indent=2) if given.output == "json" else _text(facts))
    return 0 if given.verb != "show" or facts["daysLeft"] > 0 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m certs", description="Certificates of the webhook.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    issue = verbs.add_parser(
        "issue", help="make certificates in a folder, or take the steps of their rotation that are due"
    )
    issue.set_defaults(run=_issue)
    issue.add_argument("--dir", type=Path, required=True, help="the folder; made where missing")
    keep = verbs.add_parser("ensure", help="the same in a Secret, and have webhook configurations trust them")
    keep.set_defaults(run=_ensure)
    keep.add_argument("--secret", type=_secret, required=True, metavar="NAMESPACE/NAME")
    keep.add_argument(
        "--patch-mutating", nargs="+", action="extend", default=[], metavar="NAME", help="MutatingWebhookConfigurations"
    )
    keep.add_argument(
        "--patch-validating",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="ValidatingWebhookConfigurations",
    )
    keep.add_argument("--kubeconfig", type=Path, help="default: this pod's cluster, or the user's current one")
    show = verbs.add_parser("show", help="show what is in a folder: names, and until when")
    show.set_defaults(run=_show)
    show.add_argument("--dir", type=Path, required=True, help="the folder")
    for verb in (issue, keep):
        verb.add_argument(
            "--dns", nargs="+", action="extend", default=[], metavar="NAME", help="DNS names that clients call"
        )
        verb.add_argument(
            "--ip", nargs="+", action="extend", default=[], metavar="ADDRESS", help="IP addresses that clients call"
        )
    for verb in (issue, keep, show):
        verb.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def _issue(given: argparse.Namespace, now: datetime) -> Bundle:
    return ensure(Folder(given.dir), _names(given), now)


def _ensure(given: argparse.Namespace, now: datetime) -> Bundle:
    names = _names(given)
    apis = connect(given.kubeconfig)
    registrations = Registrations(apis, tuple(given.patch_mutating), tuple(given.patch_validating))
    return ensure(Secret(apis, *given.secret), names, now, registrations)


def _show(given: argparse.Namespace, _now: datetime) -> Bundle:
    bundle = parse(Folder(given.dir).read().files)
    if bundle is None:
        raise Unusable(f"no certificates in `{given.dir}`\n  help: make some with `python -m certs issue`")
    return bundle


def _names(given: argparse.Namespace) -> Names:
    try:
        return parse_names(given.dns, given.ip)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} (--dns, --ip)") from None


def _secret(text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if not namespace or not slash or not name or "/" in name:
        raise argparse.ArgumentTypeError(f"`{text}` is not NAMESPACE/NAME")
    return namespace, name


def _facts(bundle: Bundle, now: datetime) -> dict[str, Any]:
    names = names_of(bundle.leaf.certificate)
    return {
        "dns": sorted(names.dns),
        "ips": sorted(map(str, names.ips)),
        "expires": _end(bundle.leaf.certificate),
        "daysLeft": round(days_left(bundle, now), 2),
        "authorities": [{"name": _common_name(one), "expires": _end(one)} for one in bundle.authorities],
    }


def _text(facts: dict[str, Any]) -> str:
    lines = [
        f"names     {', '.join([*facts['dns'], *facts['ips']])}",
        f"expires   {facts['expires']} ({facts['daysLeft']:.0f} days left)",
        *(f"authority {one['name']}, expires {one['expires']}" for one in facts["authorities"]),
    ]
    return "\n".join(lines)


def _end(certificate: x509.Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _fail(problem: str) -> int:
    print(f"certs: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
