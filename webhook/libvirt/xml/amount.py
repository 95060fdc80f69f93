"""Amounts with a unit, like `<memory unit='KiB'>`: libvirt reads many more units than it writes."""

from __future__ import annotations

from lxml import etree

from webhook.declare import Field, shown
from webhook.declare.scalars import whole
from webhook.libvirt.xml.place import where

# libvirt's own table (virScaleInteger); KiB where there is no unit.
_BYTES = {
    "b": 1,
    "B": 1,
    "bytes": 1,
    **{suffix: 1000 ** (power + 1) for power, suffix in enumerate(("KB", "MB", "GB", "TB", "PB", "EB"))},
    **{suffix: 1024 ** (power + 1) for power, suffix in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))},
    **{suffix: 1024 ** (power + 1) for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"))},
}


def in_own_unit(content: str, node: etree._Element, entry: Field, read: set[object]) -> str:
    """The content of a field in its place's own unit where it is an amount with one, else as it is.

    Notes the unit as read. Amounts are sizes of memory, also in attributes, and whole numbers that are an element's
    text; their unit is KiB unless the place says another. libvirt rounds up. ValueError where the unit is unknown.
    """
    unit = node.get("unit")
    steps = where(entry.place).steps
    own = steps[-1].unit() if steps else ""
    if unit is None or not (own or _is_amount(entry)):
        return content
    scale = _BYTES.get(unit)
    if scale is None:
        raise ValueError(f"unit {shown(unit)}")
    read.add((node, "unit"))
    return str(-(-whole(content) * scale // _BYTES[own or "KiB"]))


def _is_amount(entry: Field) -> bool:
    schema = entry.scalar.schema if entry.scalar is not None else {}
    is_text = not where(entry.place).attribute
    return "x-kubernetes-int-or-string" in schema or (is_text and schema.get("type") == "integer")
