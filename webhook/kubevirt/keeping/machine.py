"""The frozen machine of a VM of KubeVirt's: what its fields cannot say, in an annotation of its template.

Which VM it is, the places of its cards and disks, also of those that are gone, and their identities; where a hook
restates machines, the whole hardware. A clone or a restored VM brings it along; KubeVirt does not read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import orjson

from webhook.kubevirt.keeping.hardware import Hardware, read_hardware
from webhook.kubevirt.starting.devices import MOST_LISTED
from webhook.trees import Tree

ANNOTATION = "vmconfig.kubevirt.io/machine"
_VERSION = 1
# Disks and cards that a VM has at most, each with some that are gone; what is more is of these, the eldest.
_MOST = 2 * MOST_LISTED
# A hook gets the VM as an argument, which Linux bounds to 128 KiB (MAX_ARG_STRLEN).
_LONGEST = 64 << 10
_PORTS = range(1, 256)
# How many ports KubeVirt's annotation reserves, as far as a machine has them.
COUNT = re.compile(r"[0-9]{1,3}")
_NAME = re.compile(r"(disk|interface) [^\x00-\x1f]{1,253}")
# What KubeVirt takes as a serial number, and a MAC address.
_IDENTITY = re.compile(r"[A-Za-z0-9_.+-]{1,256}|(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True)
class Machine:
    """`ports` and `identities` are by the device: `disk NAME`, `interface NAME`.

    `written`: the VM's fields say its places. `preference` is what the preference of this name was when the VM met it.
    `hardware` has the places of all devices; without it a hook leaves the VM as it is. `noted` is how many ports the
    guest had when the VM was met, where somebody else said it.
    """

    name: str = ""
    uuid: str = ""
    written: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    preferred: str = ""
    preference: Tree = field(default_factory=dict)
    hardware: Hardware | None = None
    noted: str = ""

    def text(self) -> str:
        """The annotation's value."""
        tree: Tree = {"version": _VERSION, "of": self.name, "uuid": self.uuid}
        if not self.written:
            tree["pending"] = True
        if self.noted:
            tree["noted"] = self.noted
        tree |= {"ports": self.ports, "identities": self.identities}
        if self.preferred:
            tree |= {"preferred": self.preferred, "preference": self.preference}
        if self.hardware is not None:
            tree["hardware"] = self.hardware.tree(self.ports)
        return orjson.dumps(tree).decode()

    def readable(self, here: set[str]) -> Machine:
        """The same as `read` takes it: without the eldest of the devices that are not `here`, where there are too many.

        Of two devices at one place, which no guest starts with, the first one has it; and names, MAC addresses and
        serial numbers that KubeVirt refuses are left out.
        """
        names = [name for name in dict.fromkeys((*self.ports, *self.identities)) if _NAME.fullmatch(name)]
        gone = [name for name in names if name not in here]
        kept = {*names} - {*gone[: max(0, len(names) - _MOST)]}
        first = {port: name for name, port in reversed(self.ports.items())}
        ports = {name: port for name, port in self.ports.items() if name in kept and first[port] == name}
        identities = {
            name: each for name, each in self.identities.items() if name in kept and _IDENTITY.fullmatch(each)
        }
        return replace(self, ports=ports, identities=identities)._short(here)

    def _short(self, here: set[str]) -> Machine:
        """Without the eldest places of devices that are not `here`, where the text would be too long for a hook."""
        made = self
        while made.hardware is not None and len(made.text()) > _LONGEST:
            gone = [name for name in made.hardware.addresses if name not in here]
            if not gone:
                return replace(made, hardware=None)
            less = {*gone[: -(-len(gone) // 2)]}
            kept = {name: address for name, address in made.hardware.addresses.items() if name not in less}
            made = replace(made, hardware=replace(made.hardware, addresses=kept))
        return made


def read(text: str) -> Machine | None:
    """The machine that an annotation says; None where it says none."""
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if type(tree) is not dict or tree.get("version") != _VERSION:
        return None
    name, uuid = tree.get("of"), tree.get("uuid")
    ports, identities = tree.get("ports"), tree.get("identities")
    if type(name) is not str or type(uuid) is not str or type(ports) is not dict or type(identities) is not dict:
        return None
    if len(ports) > _MOST or len(identities) > _MOST or not all(map(_NAME.fullmatch, (*ports, *identities))):
        return None
    if not all(type(port) is int and port in _PORTS for port in ports.values()) or len({*ports.values()}) < len(ports):
        return None
    if not all(type(value) is str and _IDENTITY.fullmatch(value) for value in identities.values()):
        return None
    preferred, preference = tree.get("preferred", ""), tree.get("preference", {})
    if type(preferred) is not str or type(preference) is not dict:
        return None
    hardware = read_hardware(tree["hardware"], ports) if "hardware" in tree else None
    if "hardware" in tree and hardware is None:
        return None
    noted = tree.get("noted", "")
    if type(noted) is not str or not (noted == "" or COUNT.fullmatch(noted)):
        return None
    written = tree.get("pending") is not True
    return Machine(name, uuid, written, ports, identities, preferred, preference, hardware, noted)
