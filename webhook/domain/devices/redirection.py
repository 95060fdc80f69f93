"""USB redirection and smartcards of the viewer of the display (libvirt: formatdomain, "USB Device
Assignment", "Redirected devices", "Smartcard devices")."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, integer, text
from webhook.domain.bus import CCID, USB, Bus
from webhook.domain.devices.character import HostEnd
from webhook.domain.devices.device import NAME, Device, Named
from webhook.domain.types import DeviceId, Flag, Line, Loadparm, Path, Positive


class Redirdev(HostEnd, Device, tag="redirdev", plural="redirdevs", alike=("type",), buses=(Bus(USB, 6),)):
    """A USB port to which the viewer can plug a device of his own."""

    bus: Annotated[str, choice("usb")] | None = frontend()
    boot_order: Positive | None = frontend("boot/@order")
    loadparm: Loadparm | None = frontend("boot/@loadparm")


class UsbRule(Element, tag="usbdev"):
    """Which USB devices may be redirected; what is not said matches all."""

    device_class: Annotated[int, integer(0, 255, hex_digits=2)] | None = frontend("@class")
    vendor: DeviceId | None = frontend()
    product: DeviceId | None = frontend()
    version: Annotated[str, text(5, "[0-9]{1,2}\\.[0-9]{1,2}", "a version like `1.1`")] | None = frontend()
    allow: Flag | None = frontend()


class Redirfilter(Named, tag="redirfilter", single="redirfilter"):
    """Which of the viewer's devices may be plugged; the first rule that matches decides."""

    # libvirt's filter is no device and has no alias.
    name: Annotated[str, NAME] | None = frontend("-")
    rules: list[UsbRule] | None = frontend("usbdev")


class Certificate(Element, tag="certificate"):
    """A certificate of the host's database, by name."""

    value: Line | None = backend("credential", ".")


class Smartcard(HostEnd, Device, tag="smartcard", plural="smartcards", alike=("mode",), buses=(Bus(CCID),)):
    """A smartcard reader; the card is the viewer's (`passthrough` of a `spicevmc`), or the host's own."""

    # libvirt's schema gives a reader no alias.
    name: Annotated[str, NAME] | None = frontend("-")

    mode: Annotated[str, choice("host", "host-certificates", "passthrough")] | None = frontend(
        unless={"host": Backend("passthrough"), "host-certificates": Backend("credential")}
    )
    certificates: list[Certificate] | None = backend("credential", "certificate")
    database: Path | None = backend("host-path", "database")
