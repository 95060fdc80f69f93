"""What SMBIOS and fw_cfg tell the guest of its machine (libvirt: formatdomain, "SMBIOS System Information")."""

from typing import Annotated

from webhook.declare import Element, backend, frontend, reference, text
from webhook.domain.types import Line, ObjectName, Path, SerialLine, Uuid

# Month, day and year, as libvirt takes them: years of two digits are those from 1900 on.
_DATE = "(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/([0-9]{2}|(19|[2-9][0-9])[0-9]{2})"
# Two numbers of a byte each, which QEMU reads before it starts (hw/smbios/smbios.c).
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_RELEASE = f"{_BYTE}\\.{_BYTE}"
# libvirt, up to 12.8 at least, doubles no comma here, so that QEMU would read what follows as options of `-fw_cfg`, a
# file of the host among them; `&`, `<`, `>` and quotes reach the guest as XML writes them; spaces alone are no value.
_BLOB = " *[^,&<>'\" ][^,&<>'\"]*"
_NAME = "[A-Za-z0-9_][A-Za-z0-9._-]*"


class Bios(Element, tag="bios"):
    """SMBIOS block 0."""

    vendor: Line | None = frontend("entry[@name='vendor']")
    version: Line | None = frontend("entry[@name='version']")
    date: Annotated[str, text(10, _DATE, "a date like `04/01/2014`")] | None = frontend("entry[@name='date']")
    release: Annotated[str, text(7, _RELEASE, "a release like `4.1`")] | None = frontend("entry[@name='release']")


class BaseBoard(Element, tag="baseBoard"):
    """SMBIOS block 2, one for each board."""

    manufacturer: Line | None = frontend("entry[@name='manufacturer']")
    product: Line | None = frontend("entry[@name='product']")
    version: Line | None = frontend("entry[@name='version']")
    serial: SerialLine | None = frontend("entry[@name='serial']")
    asset: Line | None = frontend("entry[@name='asset']")
    location: Line | None = frontend("entry[@name='location']")


class Chassis(Element, tag="chassis"):
    """SMBIOS block 3."""

    manufacturer: Line | None = frontend("entry[@name='manufacturer']")
    version: Line | None = frontend("entry[@name='version']")
    serial: SerialLine | None = frontend("entry[@name='serial']")
    asset: Line | None = frontend("entry[@name='asset']")
    sku: Line | None = frontend("entry[@name='sku']")


class OemString(Element, tag="entry"):
    """One string of SMBIOS block 11, which the guest's own tools read."""

    # systemd takes the guest's credentials from there (systemd.system-credentials).
    value: Annotated[str, text(1024)] | None = frontend(".", secret=True)


class Sysinfo(Element, tag="sysinfo[@type='smbios']"):
    """SMBIOS block 1, the system, with the other blocks beside it. libvirt wants `uuid` to be the domain's own."""

    manufacturer: Line | None = frontend("system/entry[@name='manufacturer']")
    product: Line | None = frontend("system/entry[@name='product']")
    version: Line | None = frontend("system/entry[@name='version']")
    serial: SerialLine | None = frontend("system/entry[@name='serial']")
    uuid: Uuid | None = frontend("system/entry[@name='uuid']")
    sku: Line | None = frontend("system/entry[@name='sku']")
    family: Line | None = frontend("system/entry[@name='family']")
    bios: Bios | None = frontend()
    base_boards: list[BaseBoard] | None = frontend("baseBoard")
    chassis: Chassis | None = frontend()
    oem_strings: list[OemString] | None = frontend("oemStrings/entry")


class FwCfgEntry(Element, tag="entry", key="name"):
    """One blob that QEMU's fw_cfg device hands to the guest's firmware and kernel; a file would be the host's."""

    name: Annotated[str, text(55, f"opt/{_NAME}(/{_NAME})*", "a name below `opt/`")] | None = frontend()
    # What a guest is set up with: Ignition's and systemd's credentials among it.
    value: Annotated[str, text(4096, _BLOB, "a text without commas, quotes, `&`, `<` and `>`")] | None = frontend(
        ".",
        doc="write it without commas, quotes, `&`, `<` and `>`, which libvirt hands on wrongly, for example as Base64; "
        "`spec.domain.sysinfo.oemStrings` takes them all",
        secret=True,
    )
    file: Path | None = backend("host-path")
    secret: ObjectName | None = reference("Secret", "-", doc="The Secret that holds a configuration of Ignition.")
    config_map: ObjectName | None = reference(
        "ConfigMap", "-", doc="The ConfigMap that holds a configuration of Ignition."
    )


class FwCfg(Element, tag="sysinfo[@type='fwcfg']"):
    """What fw_cfg holds beside QEMU's own entries."""

    entries: list[FwCfgEntry] | None = frontend("entry")
