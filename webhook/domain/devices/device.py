"""What every device has, and how a device's declaration is found."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, get_args

from webhook.declare import Element, frontend, integer
from webhook.domain.address import Address
from webhook.domain.bus import Bus, Made
from webhook.domain.convention import Convention, Referred
from webhook.domain.types import DeviceName, Nodeset, Switch


def _alias(content: str) -> str:
    """A device's name from libvirt's user alias; aliases that libvirt made itself are no names."""
    if not content.startswith("ua-"):
        raise ValueError("not a user alias")
    return content.removeprefix("ua-")


# libvirt keeps a device's alias as given only where it starts with `ua-` (formatdomain, "User aliases").
_name = get_args(DeviceName)[1]
NAME = replace(_name, to_text=lambda value: f"ua-{value}", from_text=_alias)


_KEYWORDS = frozenset(
    {"plural", "single", "buses", "made", "met_by", "convention", "optional_end", "referred", "staying"}
)


class Named(Element, key="name"):
    """Base of all that stands in `devices`. `plural` is its list there; `single` where there is at most one.

    More class keywords: `buses` on which it can sit, of which the first that takes it holds; `own` the dotted paths
    of what tells it from others of its list in the guest, those of the bases included; `made` the identities that
    the service makes for it; `met_by` the dotted paths of what tells it from its like in a dump that does not name
    it. Of the host: `convention`, what the isolated form gives it; `optional_end`, whether an import keeps a device
    without its end on the host, which is then the convention's or libvirt's choice; `referred`, what an import makes
    a reference of. `staying`: the allocators make and name it where a device needs it, and no update removes it.
    """

    plural: ClassVar[str] = ""
    single: ClassVar[str] = ""
    buses: ClassVar[tuple[Bus, ...]] = ()
    own: ClassVar[tuple[str, ...]] = ()
    made: ClassVar[tuple[Made, ...]] = ()
    met_by: ClassVar[tuple[str, ...]] = ()
    convention: ClassVar[Convention | None] = None
    optional_end: ClassVar[bool] = False
    staying: ClassVar[bool] = False
    referred: ClassVar[Referred | None] = None

    name: Annotated[str, NAME] | None = frontend("alias/@name")

    def __init_subclass__(cls, own: tuple[str, ...] = (), **kwargs: Any) -> None:
        for name in _KEYWORDS & kwargs.keys():
            setattr(cls, name, kwargs.pop(name))
        super().__init_subclass__(**kwargs)
        inherited = (path for base in cls.__bases__ if issubclass(base, Named) for path in base.own)
        cls.own = tuple(dict.fromkeys((*own, *inherited)))


class Device(Named):
    """What sits on a bus and so has an address."""

    address: Address | None = frontend()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if (cls.plural or cls.single) and not cls.buses:
            raise TypeError(f"{cls.__name__} has an address and declares no `buses`: name them, or NOWHERE")


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
