"""The devices of a complete domain that its features led to: an entry of a feature is the device that has all it asks.

Where an entry could be taken for another device, its name is written into it.
"""

from __future__ import annotations

from webhook.abi.adoption import references
from webhook.expand.wanted import Lists, Names, Wanted
from webhook.trees import Tree


def recognised(wanted: Lists, devices: Tree) -> dict[str, str]:
    """The names that these devices have in complete lists, by the origin of the entry.

    What an entry asks is in its device. Where several have it all, which one it is makes no difference to them.
    """
    names: dict[str, str] = {}
    for kind, entries in wanted.items():
        stated = {each.name for each in entries if not each.base}
        free = _Free(kind, [device for device in devices.get(kind, ()) if device.get("name", "") not in {*stated, ""}])
        # Those that ask for most first: others have more devices to choose from.
        for each in sorted((each for each in entries if each.base), key=lambda each: -len(each.text)):
            name = free.take(each)
            if name is not None:
                names[each.origin] = name
    return names


class _Free:
    """The devices of a list that are no entry's yet, by name and by what they refer to."""

    def __init__(self, kind: str, devices: list[Tree]) -> None:
        self.by_name = {device["name"]: device for device in devices}
        self.by_references: dict[tuple[tuple[str, str], ...], dict[str, Tree]] = {}
        for device in devices:
            self.by_references.setdefault(references(kind, device), {})[device["name"]] = device

    def take(self, wanted: Wanted) -> str | None:
        """The device with all that is asked, rather the one with the name that the feature made."""
        connected = self.by_references.get(references(wanted.kind, wanted.asked), {})
        own = connected.get(wanted.name)
        if own is not None and wanted.agrees(own):
            found: str | None = wanted.name
        else:
            found = next((name for name, device in connected.items() if wanted.agrees(device)), None)
        if found is None and wanted.name in self.by_name:
            found = wanted.name
        if found is not None:
            self.by_references[references(wanted.kind, self.by_name.pop(found))].pop(found)
        return found


def with_names(spec: Tree, wanted: Lists, names: Names, path: str) -> Tree:
    """A complete spec, with the names of devices in its features where without them one would be taken for another.

    `wanted` are the devices of its features under the names that these made, `names` what they are called. Entries of
    the same list get their names together.
    """
    found = recognised(wanted, spec["domain"].get("devices", {}))
    doubtful = {_list_of(origin) for origin, name in names.items() if found.get(origin) != name}
    if not doubtful:
        return spec
    features = dict(spec["features"])
    for origin, name in names.items():
        if _list_of(origin) in doubtful:
            feature, _, index = origin.removeprefix(f"{path}.features.").partition("[")
            entries = list(features[feature])
            entries[int(index.removesuffix("]"))] = {**entries[int(index.removesuffix("]"))], "name": name}
            features[feature] = entries
    return {**spec, "features": features}


def _list_of(origin: str) -> str:
    return origin.rpartition("[")[0]
