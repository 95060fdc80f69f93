"""Which machine a dump means: its architecture, and a machine type with a version, the dump's own or the one given."""

from __future__ import annotations

from lxml import etree

from webhook import machines
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.findings import Finding
from webhook.libvirt.importing.losses import Losses
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

_PLACE = "os.type.machine"
# What QEMU takes where a PC names no machine.
_UNNAMED = {"x86_64": "pc"}


def pin(domain: Tree, root: etree._Element, given: str, losses: Losses) -> list[Finding]:
    """Set the versioned machine type, `given` where the XML has an alias; what is wrong with the machine."""
    kind = domain.setdefault("os", {}).setdefault("type", {})
    name, arch = kind.get("machine", ""), kind.get("arch", "")
    if not arch:
        return _without_arch(root)
    if machines.versioned(name) or machines.unpinned(arch, name):
        if given and given != name:
            losses.tell(_PLACE, f"is `{shown(name)}` in the XML: `--machine` is not used")
    else:
        findings = _given(arch, name, given)
        if findings:
            return findings
        kind["machine"] = name = given
    return [] if machines.family(arch, name) else [_unknown(arch, name)]


def _given(arch: str, name: str, given: str) -> list[Finding]:
    """What is wrong with the machine type given in place of an alias: it has a version, and is the same machine."""
    alias = name or _UNNAMED.get(arch, "")
    meant = machines.find(arch, alias, NEWEST) if alias else None
    if alias and meant is None:
        return [_unknown(arch, alias)]
    known = [meant] if meant is not None else machines.of_arch(arch, NEWEST)
    way = f"say it with `--machine`, like {listed(tuple(each.version for each in known))}"
    if not given:
        said = f"`{shown(name)}` has no version" if name else "is missing"
        return [Finding(_PLACE, f"{said}: the XML does not say which machine the guest had", way, "import")]
    if not machines.versioned(given):
        return [Finding("--machine", f"`{shown(given)}` has no version", way, "import")]
    family = machines.family(arch, given)
    if family not in [each.family for each in known]:
        problem = f"`{shown(given)}` is another machine than the XML's `{shown(alias or arch)}`"
        return [Finding("--machine", problem, way, "import")]
    return []


def _unknown(arch: str, name: str) -> Finding:
    known = " and ".join(f"`{each.family}`, like `{each.version}`" for each in machines.of_arch(arch, NEWEST))
    problem = f"`{shown(name)}` of {arch} is no machine that is modelled"
    way = "give the domain such a type where it runs (`virsh edit`), and import it if the guest starts"
    return Finding(_PLACE, problem, f"{arch} has {known}: {way}", "import")


def _without_arch(root: etree._Element) -> list[Finding]:
    """A document without an architecture; one that is not modelled is among the losses."""
    kind = root.find("os/type")
    if kind is not None and kind.get("arch"):
        return []
    way = "write the one that the guest had into the XML, like `<type arch='x86_64' …>`"
    return [Finding("os.type.arch", "is missing: libvirt took its host's", way, "import")]
