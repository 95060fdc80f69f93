"""The base classes of devices: what they have in common, and what a declaration says of its device."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, get_args

from webhook.declare import Element, frontend, integer
from webhook.domain.address import Address
from webhook.domain.bus import Bus, Generated
from webhook.domain.convention import Convention, Hosted, Referred
from webhook.domain.types import DeviceName, Nodeset, Switch

# libvirt keeps a device's alias as given only where it begins so (formatdomain, "User aliases").
USER_ALIAS = "ua-"
# Between an element's tag and a device's name in an alias; names have none.
ALIAS_MARK = "_"


def _alias(content: str) -> str:
    """A device's name from libvirt's user alias; an alias that libvirt made itself is not a name."""
    if not content.startswith(USER_ALIAS):
        raise ValueError("not a user alias")
    tag, mark, name = content.removeprefix(USER_ALIAS).partition(ALIAS_MARK)
    return name if mark and tag.isalpha() else content.removeprefix(USER_ALIAS)


_name = get_args(DeviceName)[1]
NAME = replace(_name, to_text=lambda value: f"{USER_ALIAS}{value}", from_text=_alias)


_KEYWORDS = frozenset(
    {
        "plural", "single", "buses", "generated", "matched_by", "convention", "optional_backend", "referred",
        "hosted", "permanent", "also_called",
    }
)  # fmt: skip


class Named(Element, key="name"):
    """Base of every entry of `devices`. `plural` is the name of its list; `single` where there is at most one.

    More class keywords, paths of fields being dotted:

    - `buses`: the buses that it can be on; the first that fits a device applies.
    - `identities`: the fields whose value no other device of the list may have, in addition to those of the bases.
    - `generated`: the identities that the service makes for it.
    - `matched_by`: the fields by which a device is found in a dump that does not name it.
    - `convention`: the backend that the isolated form gives it.
    - `optional_backend`: whether an import keeps a device without its backend, which the convention or libvirt chooses.
    - `referred`: how an import makes a reference of its backend.
    - `hosted`: how the facts of a host become its backend, a way for each that a device can need.
    - `also_called`: what people call the list elsewhere, in small letters: a finding leads from there to it.
    - `permanent`: whether it is made and named by the allocators, and removed by no update.
    """

    plural: ClassVar[str] = ""
    single: ClassVar[str] = ""
    buses: ClassVar[tuple[Bus, ...]] = ()
    identities: ClassVar[tuple[str, ...]] = ()
    generated: ClassVar[tuple[Generated, ...]] = ()
    matched_by: ClassVar[tuple[str, ...]] = ()
    convention: ClassVar[Convention | None] = None
    optional_backend: ClassVar[bool] = False
    permanent: ClassVar[bool] = False
    also_called: ClassVar[tuple[str, ...]] = ()
    referred: ClassVar[Referred | None] = None
    hosted: ClassVar[tuple[Hosted, ...]] = ()

    name: Annotated[str, NAME] | None = frontend("alias/@name")

    def __init_subclass__(cls, identities: tuple[str, ...] = (), **kwargs: Any) -> None:
        for name in _KEYWORDS & kwargs.keys():
            setattr(cls, name, kwargs.pop(name))
        super().__init_subclass__(**kwargs)
        inherited = (path for base in cls.__bases__ if issubclass(base, Named) for path in base.identities)
        cls.identities = tuple(dict.fromkeys((*identities, *inherited)))


class Device(Named):
    """Base of devices on a bus, which have an address."""

    address: Address | None = frontend()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if (cls.plural or cls.single) and not cls.buses:
            raise TypeError(f"{cls.__name__} has an address and declares no `buses`: name them, or NOWHERE")


class PciDevice(Device, identities=("acpiIndex",)):
    """Base of devices that can be on PCI, where ACPI can number them for the guest."""

    acpi_index: Annotated[int, integer(1, 16383)] | None = frontend("acpi/@index")
    acpi_nodeset: Nodeset | None = frontend("acpi/@nodeset")


class VirtioDriver(Element, tag="driver"):
    """What a virtio device offers its driver (libvirt: formatdomain, "Virtio-related options")."""

    iommu: Switch | None = frontend()
    ats: Switch | None = frontend()
    packed: Switch | None = frontend()
    page_per_vq: Switch | None = frontend("@page_per_vq")


class VirtioDevice(PciDevice):
    """Base of virtio devices without further driver options."""

    driver: VirtioDriver | None = frontend()
