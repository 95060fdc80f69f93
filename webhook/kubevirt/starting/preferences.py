"""What an instance type and a preference make of a VM.

KubeVirt looks them up at each start, so that a VM which is to stay what it is has to say by itself what they say now.

What they fill in is told by preferred.yaml. An instance type's CPU, memory and devices stay its own: KubeVirt refuses a
VM that states them, too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.kubevirt.starting.site import Find
from webhook.trees import Tree

_KINDS = {
    "instancetype": {
        "virtualmachineinstancetype": "VirtualMachineInstancetype",
        "virtualmachineinstancetypes": "VirtualMachineInstancetype",
    },
    "preference": {
        "virtualmachinepreference": "VirtualMachinePreference",
        "virtualmachinepreferences": "VirtualMachinePreference",
    },
}
_CLUSTER = {"instancetype": "VirtualMachineClusterInstancetype", "preference": "VirtualMachineClusterPreference"}
_STATUS = {"instancetype": "instancetypeRef", "preference": "preferenceRef"}


def matched(vm: Tree, which: str, find: Find) -> tuple[Tree | None, str]:
    """The spec of a VM's instance type or preference, and the name of one that is not found.

    A revision that the VM names, or that KubeVirt noted in its status, is what it was when the VM met it.
    """
    matcher = vm["spec"].get(which)
    if type(matcher) is not dict or type(matcher.get("name")) is not str or not matcher["name"]:
        return None, ""
    namespace = vm["metadata"].get("namespace")
    namespace = namespace if type(namespace) is str else ""
    revision = matcher.get("revisionName") or _noted(vm, which, matcher["name"])
    if type(revision) is str and revision:
        kept = find("ControllerRevision", namespace, revision)
        return _spec((kept or {}).get("data")), "" if kept else revision
    kind = _KINDS[which].get(str(matcher.get("kind") or "").lower())
    found = find(kind, namespace, matcher["name"]) if kind else find(_CLUSTER[which], "", matcher["name"])
    return _spec(found), "" if found else matcher["name"]


def _noted(vm: Tree, which: str, name: str) -> Any:
    status = vm.get("status")
    noted = status.get(_STATUS[which]) if type(status) is dict else None
    if type(noted) is not dict or noted.get("name") != name:
        return None
    revision = noted.get("controllerRevisionRef")
    return revision.get("name") if type(revision) is dict else None


def _spec(found: Any) -> Tree | None:
    spec = found.get("spec") if type(found) is dict else None
    return spec if type(spec) is dict else None


def fill(domain: Tree, preference: Tree) -> None:
    """State in a domain, which is changed, what a preference would fill in at the next start."""
    for source, target, whole in _rows():
        value: Any = preference
        for key in source:
            value = value.get(key) if type(value) is dict else None
        if value is not None and value != "":
            _put(domain, target, value, whole=whole)
    _firmware(domain, preference)
    _clock(domain, preference)


def fill_entries(devices: Tree, preference: Tree) -> None:
    """State in the entries of lists of devices, which are changed, what a preference would fill in.

    KubeVirt fills it in once it has added the card and the input device of a VM that says nothing of them.
    """
    preferred = preference.get("devices")
    if type(preferred) is dict:
        for kind, fields in _BY_ENTRY.items():
            if devices.get(kind):
                devices[kind] = [_entry(entry, fields, preferred) for entry in devices[kind]]


_BY_ENTRY = {
    "interfaces": {"model": "preferredInterfaceModel"},
    "inputs": {"bus": "preferredInputBus", "type": "preferredInputType"},
}
BY_TARGET = {"disk": "preferredDiskBus", "lun": "preferredLunBus", "cdrom": "preferredCdromBus"}


def preferred_bus(preference: Tree, target: str) -> str:
    """The bus that a preference has for a disk, LUN or CD-ROM drive; empty where it has none."""
    devices = preference.get("devices")
    bus = devices.get(BY_TARGET[target]) if type(devices) is dict else None
    return bus if type(bus) is str else ""


def preferred_input(preference: Tree) -> Tree:
    """The input device that KubeVirt attaches by itself."""
    devices = preference.get("devices")
    stated = devices if type(devices) is dict else {}
    bus, form = stated.get("preferredInputBus"), stated.get("preferredInputType")
    texts = (bus if type(bus) is str and bus else "usb", form if type(form) is str and form else "tablet")
    return {"name": "default-0", "bus": texts[0], "type": texts[1]}


def _entry(entry: Tree, fields: dict[str, str], preferred: Tree) -> Tree:
    said = {field: preferred.get(name) for field, name in fields.items() if not entry.get(field)}
    missing = {field: value for field, value in said.items() if type(value) is str and value}
    return {**entry, **missing} if missing else entry


def _put(tree: Tree, path: tuple[str, ...], value: Any, *, whole: bool) -> None:
    """Fill a field in, with copies of what is above it; objects are filled field by field."""
    *above, name = path
    for key in above:
        if tree.get(key) is None and whole:
            return
        stated = tree.get(key)
        tree[key] = dict(stated) if type(stated) is dict else {}
        tree = tree[key]
    stated = tree.get(name)
    if stated is None or stated == "":
        tree[name] = value
    elif type(stated) is dict and type(value) is dict and path[0] == "features":
        tree[name] = {**value, **stated}


def _firmware(domain: Tree, preference: Tree) -> None:
    """UEFI or BIOS, where the VM says neither."""
    preferred = preference.get("firmware")
    firmware = domain.get("firmware") or {}
    if type(preferred) is not dict or firmware.get("bootloader"):
        return
    loader: Tree = {}
    if preferred.get("preferredUseBios") is True:
        loader = {"bios": {}}
    elif type(preferred.get("preferredEfi")) is dict:
        loader = {"efi": preferred["preferredEfi"]}
    elif preferred.get("preferredUseEfi") is True:
        secure = preferred.get("preferredUseSecureBoot")
        loader = {"efi": {"secureBoot": secure} if type(secure) is bool else {}}
    if loader:
        domain["firmware"] = {**firmware, "bootloader": loader}


def _clock(domain: Tree, preference: Tree) -> None:
    """What the clock begins with: UTC or a time zone, where the VM says neither."""
    preferred, clock = preference.get("clock"), domain.get("clock") or {}
    offset = preferred.get("preferredClockOffset") if type(preferred) is dict else None
    if type(offset) is dict and clock.get("utc") is None and clock.get("timezone") is None:
        domain["clock"] = {**clock, **offset}


def preferred_fields() -> list[tuple[str, ...]]:
    """Every field of a preference that is stated in a VM, as the names that lead to it."""
    devices = (*BY_TARGET.values(), *(name for fields in _BY_ENTRY.values() for name in fields.values()))
    firmware = ("preferredUseBios", "preferredEfi", "preferredUseEfi", "preferredUseSecureBoot")
    return [
        *(source for source, _, _ in _rows()),
        *(("devices", name) for name in devices),
        *(("firmware", name) for name in firmware),
        ("clock", "preferredClockOffset"),
    ]


@cache
def _rows() -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    text = (Path(__file__).parent / "preferred.yaml").read_text()
    rows = yaml.load(text, Loader=yaml.CSafeLoader)
    return [(tuple(row["from"].split(".")), tuple(row["to"].split(".")), row.get("whole", False)) for row in rows]
