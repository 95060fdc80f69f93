"""What SMBIOS tells the guest of its machine (libvirt: formatdomain, "SMBIOS System Information")."""

from __future__ import annotations

from webhook.declare import Element, frontend
from webhook.domain.types import Line, Uuid


class Bios(Element, tag="bios"):
    """SMBIOS block 0."""

    vendor: Line | None = frontend("entry[@name='vendor']")
    version: Line | None = frontend("entry[@name='version']")
    date: Line | None = frontend("entry[@name='date']")
    release: Line | None = frontend("entry[@name='release']")


class Sysinfo(Element, tag="sysinfo[@type='smbios']"):
    """SMBIOS block 1, the system, with the BIOS beside it. libvirt wants `uuid` to be the domain's own."""

    manufacturer: Line | None = frontend("system/entry[@name='manufacturer']")
    product: Line | None = frontend("system/entry[@name='product']")
    version: Line | None = frontend("system/entry[@name='version']")
    serial: Line | None = frontend("system/entry[@name='serial']")
    uuid: Uuid | None = frontend("system/entry[@name='uuid']")
    sku: Line | None = frontend("system/entry[@name='sku']")
    family: Line | None = frontend("system/entry[@name='family']")
    bios: Bios | None = frontend()
