"""The lexical types that several declarations share: names, identities, sizes."""

from dataclasses import replace
from typing import Annotated, get_args

from webhook.declare import boolean, integer, memory, text
from webhook.declare.identities import MAC, SERIAL, UUID

# A device's name: an RFC 1123 label, so that it is also valid in a libvirt user alias.
DeviceName = Annotated[str, text(63, "[a-z0-9]([-a-z0-9]*[a-z0-9])?", "a lower-case name (letters, digits, `-`)")]
# The name of a Kubernetes object: an RFC 1123 subdomain.
ObjectName = Annotated[
    str,
    text(
        253,
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "the name of a Kubernetes object (lower-case letters, digits, `-`, `.`)",
    ),
]
# A network of the VM's own namespace, or of another one, as Multus names NetworkAttachmentDefinitions. Whether a VM may
# name another namespace's is for policies to say.
NetworkName = Annotated[
    str,
    text(
        253 + 1 + 63,
        "([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "a network's name, or NAMESPACE/NAME (lower-case letters, digits, `-`, `.`)",
    ),
]
# An extended resource as a device plugin announces it, DOMAIN/NAME (Kubernetes: "qualified name"); without a domain
# it is a name that the host's agent knows.
ResourceName = Annotated[
    str,
    text(
        253 + 1 + 63,
        "([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a device resource like `nvidia.com/GRID_T4-1Q`",
    ),
]
_name = get_args(ObjectName)[1]
# The name of an object whose content can be taken out: empty for none.
ObjectOrNone = Annotated[
    str,
    replace(
        _name,
        schema={**_name.schema, "minLength": 0, "pattern": f"{_name.schema['pattern']}|^$"},
        check=lambda value: None if value == "" else _name.check(value),
    ),
]


def _hyphenated(uuid: str) -> str:
    """A UUID of XML in the form that libvirt writes: it reads one with hyphens and spaces anywhere, or none."""
    digits = uuid.strip().replace("-", "").replace(" ", "")
    if len(digits) != _UUID_DIGITS:
        return uuid
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_UUID_DIGITS = 32
# libvirt reads its digits as bytes and writes them in lower case (src/util/viruuid.c, virUUIDParse).
Uuid = Annotated[
    str,
    replace(
        text(
            36,
            "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            "a UUID like 8b0f1e7a-3c2d-4e5f-8a9b-0c1d2e3f4a5b",
            caseless=True,
        ),
        identity=UUID,
        from_text=_hyphenated,
    ),
]
# The second hex digit is even: a group address is no station's (IEEE 802; libvirt refuses it too). libvirt reads the
# digits as bytes and writes them in lower case (src/util/virmacaddr.c, virMacAddrParse).
Mac = Annotated[
    str,
    replace(
        text(
            17,
            "[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}",
            "a unicast MAC address like 02:00:00:12:34:56",
            caseless=True,
        ),
        identity=MAC,
    ),
]
# What QEMU takes in a disk's serial without quoting it (libvirt's own set, VIR_STORAGE serial).
Serial = Annotated[
    str,
    replace(
        text(36, "[A-Za-z0-9 ._+-]+", "a serial number (letters, digits, space, `.`, `_`, `+`, `-`)"), identity=SERIAL
    ),
]
# What a file or an object on the host is named after: no way up, no folder of its own, not the start of an option.
FileName = Annotated[
    str,
    text(64, "[A-Za-z0-9_][A-Za-z0-9._-]*", "a name (letters, digits, `_`, `-`, `.`; not first a `-` or `.`)"),
]
# libvirt passes this on unquoted, so a comma is not allowed: QEMU would read what follows as its next option.
PRINTABLE = "[ -+\\--~]"
Line = Annotated[str, text(256)]
# A serial number that SMBIOS tells.
SerialLine = Annotated[str, replace(text(256), identity=SERIAL)]
Path = Annotated[str, text(4096)]
MODEL = (64, "[A-Za-z0-9][A-Za-z0-9._+-]*", "a model's name")
Model = Annotated[str, text(*MODEL)]
Machine = Annotated[str, text(64, "[a-z0-9][a-z0-9._-]*", "a machine type like pc-q35-7.2")]
Flag = Annotated[bool, boolean()]
Switch = Annotated[bool, boolean("on", "off")]
Presence = Annotated[bool, boolean(presence=True)]
Count = Annotated[int, integer(0, 65535)]
Positive = Annotated[int, integer(1, 65535)]
Size = Annotated[int | str, memory()]
# Video memory, in KiB as libvirt's attributes count it.
Kib = Annotated[int, integer(0, 4194304)]
# Positive where libvirt's schema has no upper end of its own.
Big = Annotated[int, integer(0, 2**63 - 1)]
Word = Annotated[int, integer(0, 2**32 - 1)]
# A set of numbers as libvirt writes it: host CPUs or NUMA nodes, with `^` for those to leave out.
Nodeset = Annotated[
    str,
    text(
        1024,
        "([0-9]+(-[0-9]+)?|\\^[0-9]+)(,([0-9]+(-[0-9]+)?|\\^[0-9]+))*",
        "a set of numbers like `0-3,8`",
    ),
]
IpAddress = Annotated[str, text(45, "[0-9A-Fa-f:.]+", "an IPv4 or IPv6 address")]
HostPort = Annotated[int, integer(-1, 65535)]
# Vendor and product numbers of USB and PCI devices.
DeviceId = Annotated[int, integer(0, 0xFFFF, hex_digits=4)]
Amount = Annotated[int | str, memory(1)]
# A parameter of the boot loader of s390x.
Loadparm = Annotated[str, text(8, " *[A-Za-z0-9.][A-Za-z0-9. ]*", "up to 8 letters, digits, dots or spaces")]
