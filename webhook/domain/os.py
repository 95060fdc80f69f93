"""Machine, firmware and boot (libvirt: formatdomain, "Operating system booting")."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer
from webhook.domain.storage import IMAGES, STORAGE_TYPES, StorageSource
from webhook.domain.types import Flag, Line, Machine, Path

ARCHITECTURES = ("x86_64", "aarch64", "s390x", "ppc64le", "riscv64")


class OsType(Element, tag="type"):
    """The machine that QEMU emulates; a versioned machine type, never an alias."""

    os: Annotated[str, choice("hvm")] | None = frontend(".")
    arch: Annotated[str, choice(*ARCHITECTURES)] | None = frontend()
    machine: Machine | None = frontend()


class Smbios(Element, tag="smbios"):
    """Where the guest's SMBIOS tables come from; `host` would show it the host's identity."""

    mode: Annotated[str, choice("emulate", "sysinfo", "host")] | None = frontend(
        unless={"host": Backend("host-identity")}
    )


class Boot(Element, tag="boot"):
    """A class of devices to boot from, where no device says its own boot order."""

    dev: Annotated[str, choice("hd", "cdrom", "network", "fd")] | None = frontend()


class BootMenu(Element, tag="bootmenu"):
    """The firmware's boot menu; `timeout` in milliseconds."""

    enable: Flag | None = frontend()
    timeout: Annotated[str, choice("0", "1000", "3000", "5000", "10000")] | None = frontend()


class Nvram(Element, tag="nvram"):
    """The file of the firmware's variables, or any other place where the host keeps them."""

    path: Path | None = backend("firmware-path", ".")
    template: Path | None = backend("firmware-path")
    template_format: Annotated[str, IMAGES] | None = backend("firmware-path", "@templateFormat")
    format: Annotated[str, IMAGES] | None = backend("firmware-path")
    type: Annotated[str, STORAGE_TYPES] | None = backend("firmware-path")
    source: StorageSource | None = goal()


class Loader(Element, tag="loader"):
    """The firmware's image; the host's renderer names it from `firmware` and `secureBoot`."""

    path: Path | None = backend("firmware-path", ".")
    type: Annotated[str, choice("rom", "pflash")] | None = backend("firmware-path")
    readonly: Flag | None = backend("firmware-path")
    secure: Flag | None = backend("firmware-path")
    stateless: Flag | None = backend("firmware-path")
    format: Annotated[str, IMAGES] | None = backend("firmware-path")


class AcpiTable(Element, tag="table"):
    """A table of the host's that the guest's ACPI gets."""

    type: Annotated[str, choice("slic", "rawset", "raw")] | None = backend("host-path")
    path: Path | None = backend("host-path", ".")


class BiosOptions(Element, tag="bios"):
    """Whether SeaBIOS speaks to the serial port, and how many milliseconds it waits before it boots anew."""

    useserial: Flag | None = frontend()
    reboot_timeout: Annotated[int, integer(-1, 65535)] | None = frontend("@rebootTimeout")


class Os(Element, tag="os"):
    """How the machine boots."""

    type: OsType | None = frontend()
    firmware: Annotated[str, choice("bios", "efi")] | None = frontend("@firmware")
    secure_boot: Flag | None = frontend("firmware/feature[@name='secure-boot']/@enabled")
    enrolled_keys: Flag | None = frontend("firmware/feature[@name='enrolled-keys']/@enabled")
    smbios: Smbios | None = frontend()
    boot: list[Boot] | None = frontend()
    boot_menu: BootMenu | None = frontend()
    bios: BiosOptions | None = frontend()
    loader: Loader | None = goal()
    nvram: Nvram | None = goal()
    varstore: Path | None = backend("firmware-path", "varstore/@path")
    varstore_template: Path | None = backend("firmware-path", "varstore/@template")
    kernel: Path | None = backend("host-path", "kernel")
    initrd: Path | None = backend("host-path", "initrd")
    dtb: Path | None = backend("host-path", "dtb")
    # Installers and clients take passwords and tokens there.
    cmdline: Line | None = backend("host-path", "cmdline", secret=True)
    shim: Path | None = backend("host-path", "shim")
    acpi_tables: list[AcpiTable] | None = backend("host-path", "acpi/table")
