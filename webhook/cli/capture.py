"""`vmconfig capture`: VMs with what libvirt added to their running domains, each found by its name or its UUID.

Of KubeVirt's own VMs it is what a hook restates at their next start.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webhook.admission import offline
from webhook.cli import files, kubevirt_objects, objects, verbs
from webhook.cli.kubevirt_objects import VIRTUAL_MACHINE
from webhook.cli.manifests import Manifest
from webhook.cli.other_kinds import counted
from webhook.cli.verb import Verb
from webhook.consistency import consistent
from webhook.consistency.completeness import COMPLETE
from webhook.declare import shown
from webhook.declare.tree import at, copied
from webhook.expand.naming import name_devices
from webhook.findings import Finding, Refused
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.trees import Tree


@dataclass(frozen=True, slots=True)
class Dump:
    """The document of a running domain: its file, its content, its name and its UUID."""

    file: str
    xml: bytes
    name: str
    uuid: str

    def is_of(self, one: Manifest, uuid: str) -> bool:
        """Whether it is the domain of a VM: by its UUID, its name, or NAMESPACE_NAME as KubeVirt's launcher has it."""
        if self.uuid and self.uuid.lower() == uuid.lower():
            return True
        return self.name in (one.name, f"{one.namespace or 'default'}_{one.name}")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    what = "`virsh dumpxml` of a running domain, or a folder of such files (`*.xml`); repeatable"
    parser.add_argument("--xml", required=True, action="append", metavar="FILE", help=what)
    parser.add_argument(
        "--kubevirt",
        action="store_true",
        help="VirtualMachines of KubeVirt's: the annotation that `vmconfig hook` reads",
    )


def run(given: argparse.Namespace) -> int:
    """Print the VMs with the facts of their domains; findings where a VM and its domain disagree."""
    found = _of_kubevirt(given) if given.kubevirt else objects.read(given).found
    dumps = _dumps(file for source in given.xml for file in _files(source))
    made: list[Tree] = []
    findings: list[Finding] = []
    for one, dump in _pairs(found, dumps):
        obj, wrong, added = _with_hardware(one.obj, dump.xml) if given.kubevirt else _with_facts(one.obj, dump.xml)
        made.append(obj)
        findings += one.about(wrong)
        for place in added:
            print(f"{f'{one}: ' if len(found) > 1 else ''}added: {place}", file=sys.stderr)
    if findings:
        return verbs.refuse(findings, given.output)
    verbs.show(made, given.output)
    return 0


def _of_kubevirt(given: argparse.Namespace) -> list[Manifest]:
    found, others = kubevirt_objects.read([*given.filename, *given.sources])
    others.update(one.kind for one in found if one.kind != VIRTUAL_MACHINE)
    if others:
        print(f"note: not printed are objects of other kinds: {counted(others)}", file=sys.stderr)
    return [one for one in found if one.kind == VIRTUAL_MACHINE]


def _with_hardware(obj: Tree, xml: bytes) -> tuple[Tree, list[Finding], list[str]]:
    """The same of a VM of KubeVirt's, whose template's annotation has the hardware."""
    from webhook.kubevirt.captured import capture

    if wrong := kubevirt_objects.misshapen(obj):
        return obj, wrong, []
    try:
        machine = capture(obj, xml.decode(errors="replace"))
    except Refused as refused:
        return obj, refused.findings, []
    made: Tree = copied(obj)
    metadata = made["spec"]["template"]["metadata"] = made["spec"]["template"].get("metadata") or {}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION: machine.text()}
    return made, [], [f"spec.template.metadata.annotations[{ANNOTATION}]"]


def _with_facts(obj: Tree, xml: bytes) -> tuple[Tree, list[Finding], list[str]]:
    kind, wrong = offline.kind_of(obj)
    return (obj, list(wrong), []) if kind is None else _captured(obj, kind.spec, xml)


def _captured(obj: Tree, keys: Sequence[str], xml: bytes) -> tuple[Tree, list[Finding], list[str]]:
    """A copy of the object with the facts of its domain, where the two disagree, and what was added."""
    from webhook.libvirt.capturing.capture import capture

    made: Tree = copied(obj)
    holder = made
    for key in keys:
        holder = holder.setdefault(key, {})
    place = f"{'.'.join(keys)}.domain"
    captured = capture(holder.get("domain") or {}, xml, place)
    name_devices(captured.domain.get("devices", {}))
    holder["domain"] = captured.domain
    # What a VM leaves out the service fills in.
    impossible = (one for one in consistent(captured.domain, place) if one.rule != COMPLETE)
    return made, captured.findings or [*impossible], captured.added


def _pairs(found: Sequence[Manifest], dumps: Sequence[Dump]) -> list[tuple[Manifest, Dump]]:
    """Each VM with its dump; raises Refused. One VM and one dump belong together, whatever they are called."""
    if len(found) == len(dumps) == 1:
        return [(found[0], dumps[0])]
    pairs: list[tuple[Manifest, Dump]] = []
    findings: list[Finding] = []
    way = "the domain's name or UUID has to be the VM's: name each with its own dump"
    for one in found:
        own = [dump for dump in dumps if dump.is_of(one, _uuid(one))]
        if len(own) == 1:
            pairs.append((one, own[0]))
        else:
            problem = f"has {', '.join(dump.file for dump in own) if own else 'none'} of the dumps"
            findings.append(Finding(str(one), problem, way, "capture"))
    taken = {dump.file for _, dump in pairs}
    findings += [
        Finding(dump.file, f"is the domain `{shown(dump.name)}`, which is none of the VMs", way, "capture")
        for dump in dumps
        if dump.file not in taken and not any(dump.is_of(one, _uuid(one)) for one in found)
    ]
    if findings:
        raise Refused(findings)
    return pairs


def _uuid(one: Manifest) -> str:
    """The UUID that a manifest's spec says; empty where it says none."""
    if one.kind == VIRTUAL_MACHINE:
        return str(at(one.obj, "spec.template.spec.domain.firmware.uuid") or "")
    kind, _ = offline.kind_of(one.obj)
    return str(at(one.obj, f"{kind.spec_path}.domain.uuid") or "") if kind is not None else ""


def _files(source: str) -> list[str]:
    folder = Path(source)
    return files.xml_below(folder) if folder.is_dir() else [source]


def _dumps(names: Iterable[str]) -> list[Dump]:
    """Every dump; raises Refused with what is wrong with all that are no domains."""
    found: list[Dump] = []
    wrong: list[Finding] = []
    for file in names:
        try:
            found.append(_dump(file))
        except Refused as refused:
            wrong += refused.findings
    if wrong:
        raise Refused(wrong)
    return found


def _dump(file: str) -> Dump:
    from webhook.libvirt.xml.parse import read

    xml = files.xml(file)
    try:
        reading = read(xml)
    except Refused as refused:
        raise Refused(replace(one, path=files.place_in_xml(file, one.path)) for one in refused.findings) from None
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
