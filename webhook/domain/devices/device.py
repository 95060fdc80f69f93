"""What every device has, and how a device's declaration is found."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, get_args

from webhook.declare import Element, frontend, integer
from webhook.domain.address import Address
from webhook.domain.bus import Bus, Made
from webhook.domain.types import DeviceName, Nodeset, Switch


def _alias(content: str) -> str:
    """A device's name from libvirt's user alias; aliases that libvirt made itself are no names."""
    if not content.startswith("ua-"):
        raise ValueError("not a user alias")
    return content.removeprefix("ua-")


# libvirt keeps a device's alias as given only where it starts with `ua-` (formatdomain, "User aliases").
_name = get_args(DeviceName)[1]
NAME = replace(_name, to_text=lambda value: f"ua-{value}", from_text=_alias)


class Named(Element, key="name"):
    """Base of all that stands in `devices`. `plural` is its list there; `single` where there is at most one.

    More class keywords: `buses` on which it can sit, of which the first that takes it holds; `own` the dotted paths
    of what tells it from others of its list in the guest, those of the bases included; `made` the identities that
    the service makes for it.
    """

    plural: ClassVar[str] = ""
    single: ClassVar[str] = ""
    buses: ClassVar[tuple[Bus, ...]] = ()
    own: ClassVar[tuple[str, ...]] = ()
    made: ClassVar[tuple[Made, ...]] = ()

    name: Annotated[str, NAME] | None = frontend("alias/@name")

    def __init_subclass__(
        cls,
        plural: str = "",
        single: str = "",
        buses: tuple[Bus, ...] = (),
        own: tuple[str, ...] = (),
        made: tuple[Made, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        for name, said in (("plural", plural), ("single", single), ("buses", buses), ("made", made)):
            if said:
                setattr(cls, name, said)
        inherited = (path for base in cls.__bases__ if issubclass(base, Named) for path in base.own)
        cls.own = tuple(dict.fromkeys((*own, *inherited)))


class Device(Named):
    """What sits on a bus and so has an address."""

    address: Address | None = frontend()


class PciDevice(Device, own=("acpiIndex",)):
    """What can sit on PCI, where ACPI may number it for the guest."""

    acpi_index: Annotated[int, integer(1, 16383)] | None = frontend("acpi/@index")
    acpi_nodeset: Nodeset | None = frontend("acpi/@nodeset")


class VirtioDriver(Element, tag="driver"):
    """What a virtio device offers its driver (libvirt: formatdomain, "Virtio-related options")."""

    iommu: Switch | None = frontend()
    ats: Switch | None = frontend()
    packed: Switch | None = frontend()
    page_per_vq: Switch | None = frontend("@page_per_vq")


class VirtioDevice(PciDevice):
    """A device that can be a virtio one, and has nothing more to say to its driver."""

    driver: VirtioDriver | None = frontend()
