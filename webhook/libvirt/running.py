"""One VM in the libvirt of this machine: defined and started with its companions, and removed with all of them.

A domain that was started here says so in its metadata: what anybody else has defined is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from webhook.declare import shown
from webhook.findings import Finding, Refused
from webhook.libvirt.bundle import OURS, Bundle
from webhook.libvirt.virsh import given, lines, virsh
from webhook.libvirt.xml.document import document
from webhook.libvirt.xml.place import NAMESPACES
from webhook.trees import Tree

_MARK = "vmconfig-run"


def marked(domain: Tree) -> Tree:
    """The domain with the sign that it is started from here."""
    entries = [*domain.get("metadata", ()), {"name": _MARK, "value": "yes"}]
    return {**domain, "metadata": entries}


def start(made: Bundle, name: str) -> str:
    """Define all of a bundle and start its domain; raises Refused, and nothing is left then.

    Returns the XML that the next start has, too: in that of the running one are the CPU features that emulation lacks.
    """
    if _uuid_of(name):
        way = "stop it (`vmconfig run --stop FILE`) or give the VM another name"
        raise Refused([Finding("metadata.name", f"libvirt has a domain `{shown(name)}` already", way, "run")])
    try:
        for xml in made.filters:
            given("nwfilter-define", xml)
        for xml in made.node_devices:
            given("nodedev-create", xml)
        given("define", made.domain, "--validate")
        virsh("start", _uuid_of(name))
        return virsh("dumpxml", "--inactive", _uuid_of(name))
    except Refused:
        _clear(name, made.domain)
        raise


def stop(name: str) -> None:
    """End a VM that was started here and remove all that libvirt has of it; raises Refused where it is none."""
    uuid = _uuid_of(name)
    if not uuid:
        way = "`virsh list --all` says which there are"
        raise Refused([Finding("metadata.name", f"libvirt has no domain `{shown(name)}`", way, "run")])
    xml = virsh("dumpxml", uuid)
    if not _is_ours(document(xml, "domain")):
        problem = f"`vmconfig run` has not started the domain `{shown(name)}`"
        raise Refused([Finding("metadata.name", problem, "stop it as it was started", "run")])
    _clear(name, xml)


def ways_in(xml: str, name: str) -> Iterator[tuple[str, str]]:
    """How to see a running VM: its console and its display, as far as it has them."""
    root = document(xml, "domain")
    if root.find("devices/serial") is not None or root.find("devices/console") is not None:
        yield "console", f"virsh console {_uuid_of(name) if name.isdecimal() else name}"
    if root.find("devices/graphics") is not None:
        yield "display", virsh("domdisplay", _uuid_of(name)).strip()


def emulated(xml: str) -> bool:
    """Whether a running VM is emulated."""
    return document(xml, "domain").get("type") == "qemu"


def _uuid_of(name: str) -> str:
    """The UUID of the domain with a name, empty where there is none; virsh takes a name of digits for a number."""
    pairs = (line.split() for line in lines("list", "--all", "--uuid", "--name"))
    return next((uuid for uuid, *rest in pairs if rest == [name]), "")


def _is_ours(root: etree._Element) -> bool:
    entries = root.iterfind(f"metadata/{{{NAMESPACES['vmconfig']}}}entry")
    return any(entry.get("name") == _MARK for entry in entries)


def _clear(name: str, xml: str) -> None:
    """Remove a domain, and the filters and mediated devices that were made for it, as far as they are there."""
    root = document(xml, "domain")
    uuid = _uuid_of(name)
    if uuid in lines("list", "--uuid"):
        virsh("destroy", uuid)
    if uuid:
        virsh("undefine", uuid, "--nvram", "--managed-save", *_with_tpm(root))
    filters = {str(node.get("filter")) for node in root.iterfind("devices/interface/filterref")}
    if filters:
        there = {line.split()[-1] for line in lines("nwfilter-list")}
        for one in sorted(one for one in filters & there if one.startswith(OURS)):
            virsh("nwfilter-undefine", one)
    uuids = [
        str(node.get("uuid")).replace("-", "_")
        for node in root.iterfind("devices/hostdev[@type='mdev']/source/address")
    ]
    for device in lines("nodedev-list", "--cap", "mdev") if uuids else ():
        if any(uuid in device for uuid in uuids):
            virsh("nodedev-destroy", device)


def _with_tpm(root: etree._Element) -> list[str]:
    return ["--tpm"] if root.find("devices/tpm") is not None else []
