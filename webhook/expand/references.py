"""What devices of an update are connected to: it follows the features, whatever the stored domain says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.abi.adoption import DeviceKey, references_of
from webhook.abi.freeze import devices_of
from webhook.declare import shown
from webhook.expand.wanted import Lists, Wanted
from webhook.findings import Finding
from webhook.trees import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Connected:
    """The references that features ask for, by device; None for one that they no longer have."""

    asked: Mapping[DeviceKey, Wanted]
    references: Mapping[DeviceKey, Tree]


def connected(before: Lists, after: Lists, tombstones: Tree) -> Connected:
    """What the features of an update connect its devices to; both have the names of their devices."""
    earlier, asked, resting = _by_device(before), _by_device(after), devices_of(tombstones)
    references: dict[DeviceKey, Tree] = {}
    for key, wanted in asked.items():
        then = earlier[key].asked if key in earlier else resting.get(key, {})
        references[key] = {
            name: wanted.asked.get(name)
            for name in sorted(references_of(wanted.kind))
            if name in wanted.asked or name in then
        }
    return Connected(asked, references)


def follow(devices: Tree, stated: Tree, stored: Tree, wanted: Connected) -> None:
    """Let devices refer to what the features ask for, in place; what the update states anew (`stated`) stays."""
    by_key, said, before = devices_of(devices), devices_of(stated), devices_of(stored)
    for key in wanted.references.keys() & by_key.keys():
        for name, value in wanted.references[key].items():
            if said.get(key, {}).get(name) not in (None, before.get(key, {}).get(name)):
                continue
            if value is None:
                by_key[key].pop(name, None)
            else:
                by_key[key][name] = value


def contradicted(incoming: Tree, stored: Tree, wanted: Connected, path: str) -> Iterator[Finding]:
    """References that an update changes in the domain alone, where a feature asks for another one."""
    before = devices_of(stored)
    for kind, entries in incoming.items():
        for index, device in enumerate(entries if type(entries) is list else ()):
            key = (kind, device.get("name") or kind)
            for name, asked in wanted.references.get(key, {}).items():
                value = device.get(name)
                if asked is None or value in (None, asked, before.get(key, {}).get(name)):
                    continue
                origin = wanted.asked[key].origin
                problem = f"is `{shown(value)}`, but `{origin}` asks for `{shown(asked)}`"
                way = f"change it in `{origin}`, or restore the stored value"
                yield Finding(f"{path}.devices.{kind}[{index}].{name}", problem, way, "conflict")


def _by_device(lists: Lists) -> dict[DeviceKey, Wanted]:
    return {(each.kind, each.name): each for entries in lists.values() for each in entries}
