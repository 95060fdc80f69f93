"""What the features of an update ask for, beside what the stored ones asked for, and what they no longer say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from webhook.abi.adoption import AskedDevices, DeviceKey
from webhook.abi.freeze import device_keys, devices_of
from webhook.declare import Frontend, Shape, told
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.expand.declined import newly_declined
from webhook.expand.following import Frozen, value_at
from webhook.expand.matching import Stored, matched
from webhook.expand.merge import merge
from webhook.expand.recognition import recognised
from webhook.expand.references import Connected, connected
from webhook.expand.wanted import KIND_OF_DEVICE, Lists, Names, named, renamed, wanted_by
from webhook.features.contribution import Contribution
from webhook.findings import Finding
from webhook.trees import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the features of an update ask for: their devices, the names of those, and what they connect them to.

    `wanted` are the devices under the names that the features made, `turns` those to which they give a turn at boot.
    `before` and `after` are what the stored features and these ask for, merged; None where they are the same.
    `earlier` are the stored ones' contributions.
    """

    devices: AskedDevices
    wanted: Lists
    names: Names
    connected: Connected
    turns: set[DeviceKey]
    before: Tree | None = None
    after: Tree | None = None
    earlier: Sequence[Contribution] = ()


def asked_of(spec: Tree, stored: Tree, contributed: Callable[[Tree], list[Contribution]]) -> Asked:
    """What features ask for; raises Refused for what cannot be told apart. `contributed` expands features."""
    features: Tree = spec.get("features") or {}
    devices: Tree = stored["domain"].get("devices", {})
    tombstones: Tree = (stored.get("abi") or {}).get("tombstones") or {}
    earlier = stored.get("features") or {}
    before = contributed(earlier)
    wanted = wanted_by(before)
    names: Names = recognised(wanted, devices)
    wanted_before = wanted_now = named(wanted, names)
    before = renamed(before, names)
    if features == earlier:
        keys, declined = _keys(before), explicitly(before)[1]
        references = connected(wanted_before, wanted_now, tombstones)
        asked = AskedDevices(keys, keys, references.references, declined)
        return Asked(asked, wanted, names, references, turned(before))
    after = contributed(features)
    wanted = wanted_by(after)
    names = matched(wanted, Stored(devices, tombstones, wanted_before))
    after = renamed(after, names)
    references = connected(wanted_before, named(wanted, names), tombstones)
    explicit, declined = explicitly(after)
    declined |= newly_declined(features, earlier, devices, (spec.get("domain") or {}).get("devices") or {})
    anew = explicit - explicitly(before)[0]
    asked = AskedDevices(_keys(before), _keys(after), references.references, declined, anew)
    return Asked(asked, wanted, names, references, turned(after), asked_tree(before), asked_tree(after), before)


def _keys(contributions: list[Contribution]) -> set[DeviceKey]:
    return device_keys(tree for entry in contributions for tree in (entry.asked, entry.default))


def asked_tree(contributions: Iterable[Contribution]) -> Tree:
    """All that is asked, without the defaults; its devices have names."""
    tree: Tree = {}
    merge(tree, [each._replace(default={}) for each in contributions if each.asked], "")
    return tree


def explicitly(contributions: Iterable[Contribution]) -> tuple[set[DeviceKey], set[DeviceKey]]:
    """The devices that are asked for, and those of which features ask that there are none."""
    wanted: set[DeviceKey] = set()
    declined: set[DeviceKey] = set()
    for each in contributions:
        for key, device in devices_of(each.asked.get("devices", {})).items():
            (declined if is_none(device) else wanted).add(key)
    return wanted, declined


def turned(contributions: Iterable[Contribution]) -> set[DeviceKey]:
    """The devices to which features give a turn at boot."""
    lists = (each.asked.get("devices", {}) for each in contributions)
    return {key for each in lists for key, device in devices_of(each).items() if device.get("bootOrder")}


def still(
    frozen: Frozen, after: Tree | None, domain: Tree, earlier: Sequence[Contribution], path: str
) -> Iterator[Finding]:
    """What the machine keeps although the features no longer say it; with a rule where that is none to be kept."""
    if frozen.before is None or after is None:
        return
    for place, text in _leaves(frozen.before, domain_shape(), ""):
        asked = value_at(frozen.before, place)
        if value_at(after, place) is None and asked is not None and value_at(domain, place) == asked:
            origin = next((each.origin for each in earlier if value_at(each.asked, place) is not None), "")
            device, _, name = place.rpartition(".")
            problem = f"stays {text}, which `{origin or path}` no longer says"
            if name in KIND_OF_DEVICE and value_at(after, device) is not None:
                way = "say it as before, or give the entry another `name`, which is another device"
                yield Finding(f"{path}.domain{place}", problem, way, "frozen")
            else:
                yield Finding(f"{path}.domain{place}", problem)


def _leaves(tree: Tree, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    """The places of frontend fields, with their values in words; entries of lists by their names."""
    for name, value in tree.items():
        entry, here = shape.fields[name], f"{path}.{name}"
        if entry.shape is None:
            if isinstance(entry.field_class, Frontend) and name != shape.key:
                yield here, told(entry, value)
        elif not entry.many:
            yield from _leaves(value, entry.shape, here)
        elif entry.shape.key:
            for each in value:
                yield from _leaves(each, entry.shape, f"{here}[{each[entry.shape.key]}]")
