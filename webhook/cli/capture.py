"""`vmconfig capture`: VMs with what libvirt added to their running domains, each found by its name or its UUID."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webhook.admission import offline
from webhook.cli import files, objects, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.declare import shown
from webhook.declare.tree import at, copied
from webhook.expand.naming import name_devices
from webhook.findings import Finding, Refused

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dump:
    """The document of a running domain: its file, its content, its name and its UUID."""

    file: str
    xml: bytes
    name: str
    uuid: str

    def is_of(self, one: Manifest, domain: Tree) -> bool:
        """Whether it is the domain of a VM: by its UUID, its name, or NAMESPACE_NAME as KubeVirt's launcher has it."""
        if self.uuid and self.uuid.lower() == str(domain.get("uuid") or "").lower():
            return True
        return self.name in (one.name, f"{one.namespace or 'default'}_{one.name}")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    what = "`virsh dumpxml` of a running domain, or a folder of such files (`*.xml`); repeatable"
    parser.add_argument("--xml", required=True, action="append", metavar="FILE", help=what)


def run(given: argparse.Namespace) -> int:
    """Print the VMs with the facts of their domains; findings where a VM and its domain disagree."""
    found = objects.read(given)
    dumps = [_dump(file) for source in given.xml for file in _files(source)]
    made: list[Tree] = []
    findings: list[Finding] = []
    for one, dump in _pairs(found.found, dumps):
        kind, wrong = offline.kind_of(one.obj)
        if kind is None:
            findings += one.about(wrong)
            continue
        obj, wrong, added = _captured(one.obj, kind.spec, dump.xml)
        made.append(obj)
        findings += one.about(wrong)
        for place in added:
            print(f"{f'{one}: ' if len(found.found) > 1 else ''}added: {place}", file=sys.stderr)
    if findings:
        return verbs.refuse(findings, given.output)
    verbs.show(made, given.output)
    return 0


def _captured(obj: Tree, keys: Sequence[str], xml: bytes) -> tuple[Tree, list[Finding], list[str]]:
    """A copy of the object with the facts of its domain, where the two disagree, and what was added."""
    from webhook.libvirt.capturing.capture import capture

    made: Tree = copied(obj)
    holder = made
    for key in keys:
        holder = holder.setdefault(key, {})
    captured = capture(holder.get("domain") or {}, xml, f"{'.'.join(keys)}.domain")
    name_devices(captured.domain.get("devices", {}))
    holder["domain"] = captured.domain
    return made, captured.findings, captured.added


def _pairs(found: Sequence[Manifest], dumps: Sequence[Dump]) -> list[tuple[Manifest, Dump]]:
    """Each VM with its dump; raises Refused. One VM and one dump belong together, whatever they are called."""
    if len(found) == len(dumps) == 1:
        return [(found[0], dumps[0])]
    pairs: list[tuple[Manifest, Dump]] = []
    findings: list[Finding] = []
    way = "the domain's name or UUID has to be the VM's: name each with its own dump"
    for one in found:
        own = [dump for dump in dumps if dump.is_of(one, _domain(one))]
        if len(own) == 1:
            pairs.append((one, own[0]))
        else:
            problem = f"has {', '.join(dump.file for dump in own) if own else 'none'} of the dumps"
            findings.append(Finding(str(one), problem, way, "capture"))
    taken = {dump.file for _, dump in pairs}
    findings += [
        Finding(dump.file, f"is the domain `{shown(dump.name)}`, which is none of the VMs", way, "capture")
        for dump in dumps
        if dump.file not in taken and not any(dump.is_of(one, _domain(one)) for one in found)
    ]
    if findings:
        raise Refused(findings)
    return pairs


def _domain(one: Manifest) -> Tree:
    """The domain of a manifest's spec; empty where it has none."""
    kind, _ = offline.kind_of(one.obj)
    domain = at(one.obj, f"{kind.spec_path}.domain") if kind is not None else None
    return domain if type(domain) is dict else {}


def _files(source: str) -> list[str]:
    folder = Path(source)
    return files.xml_below(folder) if folder.is_dir() else [source]


def _dump(file: str) -> Dump:
    from webhook.libvirt.xml.parse import read

    xml = files.xml(file)
    reading = read(xml)
    return Dump(file, xml, reading.name, str(reading.domain.get("uuid") or ""))


VERBS = (
    Verb(
        "capture",
        "VMs with the frontend facts that libvirt added to their running domains",
        run,
        add_flags,
        document=True,
    ),
)
