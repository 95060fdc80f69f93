"""The machine of a snapshot, made again: as it was, but for devices of which the tenant says what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.abi.adoption import references_of
from webhook.abi.freeze import devices_of, tombstone_of
from webhook.abi.restore_from import PLACEHOLDER
from webhook.abi.restoring import record, rested
from webhook.abi.state import LATEST
from webhook.declare import shown
from webhook.declare.nearest import closest
from webhook.declare.tree import copied
from webhook.expand.pipeline import ExpansionContext, extend, names_of_entries
from webhook.findings import Finding, Refused
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

# The feature whose entries lead to a list of devices, and its word for what a device refers to.
_FEATURES = {
    "disks": ("storage", "source"),
    "interfaces": ("network", "source"),
    "filesystems": ("filesystems", "claim"),
    "hostdevs": ("devices", "resource"),
}
# By what a tenant connects a device of the list otherwise (webhook.abi.restore_from).
_BY = {"disks": "claim", "interfaces": "network", "filesystems": "claim", "hostdevs": "device"}
# Drives that can be empty.
_DRIVES = ("cdrom", "floppy")
# What connects a device beside its reference; a placeholder is connected to nothing, and a substitute to the new one.
_CONNECTION = ("type", "source", "backingStore", "mirror", "encryption", "auth", "seed")


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What a tenant says of one device: its list, its name, whether it is a placeholder, or what it refers to."""

    kind: str
    name: str
    path: str
    placeholder: bool
    reference: Mapping[str, str]


def restored(configuration: Tree, wanted: Tree, stored: Tree, context: ExpansionContext, path: str) -> Tree:
    """The complete spec of the restored machine; raises Refused with all findings.

    `configuration` is the snapshot's, `stored` the spec as it is now, empty where there is none. `path` is the spec's.
    """
    made: Tree = {name: copied(value) for name, value in configuration.items() if name != "restoreFrom"}
    domain, abi = made["domain"], made.setdefault("abi", {})
    chosen = list(_chosen(wanted, f"{path}.restoreFrom.devices"))
    entries = names_of_entries(made, context, path) if chosen and made.get("features") else {}
    findings = [finding for each in chosen for finding in _change(domain["devices"], each)]
    if findings:
        raise Refused(findings)
    if entries:
        made["features"] = _reworded(made["features"], chosen, entries)
    made = _fitting(made, context, path)
    resting = rested(made, stored, context.clock())
    for part in ("tombstones", "removed"):
        abi.pop(part, None)
    abi |= resting
    abi["history"] = record(stored, domain, wanted, abi.get("ruleSet") or NEWEST)
    return {**made, "restoreFrom": wanted}


def _chosen(wanted: Tree, path: str) -> Iterator[Chosen]:
    for kind, entries in (wanted.get("devices") or {}).items():
        for index, entry in enumerate(entries):
            reference = {name: value for name, value in entry.items() if name in references_of(kind)}
            yield Chosen(
                kind, entry.get("name") or "", f"{path}.{kind}[{index}]", entry.get(PLACEHOLDER) is True, reference
            )


def _change(devices: Tree, chosen: Chosen) -> Iterator[Finding]:
    """Let a device be what is said of it, in place; what it cannot be is a finding."""
    there = devices_of({chosen.kind: devices.get(chosen.kind) or []})
    device = there.get((chosen.kind, chosen.name))
    if device is None:
        near = closest(chosen.name, [name for _, name in there])
        way = f"did you mean `{shown(near)}`?" if near else "leave the entry out"
        yield Finding(f"{chosen.path}.name", f"`{shown(chosen.name)}` is no device of the snapshot", way, "restore")
    elif chosen.placeholder is bool(chosen.reference):
        said = "both" if chosen.placeholder else "neither `placeholder: true` nor"
        problem = f"says {said} {'`placeholder` and ' if chosen.placeholder else ''}`{_BY[chosen.kind]}`"
        way = "say one of the two" if chosen.placeholder else "say one of the two, or leave the entry out"
        yield Finding(chosen.path, problem, way, "restore")
    elif chosen.placeholder:
        yield from _empty(device, chosen)
    elif device.get("seed"):
        problem = f"would put another content in the place of the seed `{shown(chosen.name)}`"
        way = "say `placeholder: true`, or leave the entry out"
        yield Finding(f"{chosen.path}.{next(iter(chosen.reference))}", problem, way, "restore")
    else:
        for name in _CONNECTION if device.get("source") else ():
            device.pop(name, None)
        device.update(chosen.reference)


def _empty(device: Tree, chosen: Chosen) -> Iterator[Finding]:
    """Let a device keep its place and identities and be connected to nothing, in place."""
    if chosen.kind == "disks" and device.get("device") not in _DRIVES:
        problem = f"would make the disk `{shown(chosen.name)}` a blank one, which the guest takes for lost data"
        yield Finding(f"{chosen.path}.placeholder", problem, "name another `claim` with its content", "restore")
        return
    if chosen.kind == "interfaces" and (device.get("sriov") or device.get("type") == "hostdev"):
        problem = f"the NIC `{shown(chosen.name)}` is a card of the host's, which nothing can stand for"
        yield Finding(f"{chosen.path}.placeholder", problem, "name another `network`", "restore")
        return
    kept = tombstone_of(chosen.kind, device) or {}
    device.clear()
    device.update({name: value for name, value in kept.items() if name not in _CONNECTION})
    for name in references_of(chosen.kind):
        device.pop(name, None)
    if chosen.kind == "interfaces":
        device["link"] = "down"


def _reworded(features: Tree, chosen: list[Chosen], entries: Mapping[tuple[str, str], int]) -> Tree:
    """The snapshot's features, in which the entries of these devices (by their index) say what became of them."""
    features = dict(features)
    emptied = {entries.get(("seed", each.name)) for each in chosen if each.kind == "disks" and each.placeholder}
    if emptied - {None}:
        features["seed"] = [seed for index, seed in enumerate(features["seed"]) if index not in emptied]
    for each in chosen:
        feature, word = _FEATURES[each.kind]
        index = entries.get((feature, each.name))
        if index is None:
            continue
        entry = {**features[feature][index], "name": each.name}
        if each.reference:
            entry[word] = next(iter(each.reference.values()))
        else:
            entry.pop(word, None)
            entry |= {"type": "pod"} if each.kind == "interfaces" else {}
        features[feature] = [entry if at == index else other for at, other in enumerate(features[feature])]
    return features


def _fitting(made: Tree, context: ExpansionContext, path: str) -> Tree:
    """The spec with its features as far as an update that changes nothing leaves the machine as it is.

    They describe the machine at its next boot, and a machine that ran may have been another.
    """
    if not made.get("features") or made["abi"].get("policy") == LATEST:
        return made
    system = {name: value for name, value in made["features"].items() if name == "system"}
    for features in (made["features"], system):
        tried = {**made, "features": features}
        if _stays(tried, context, path):
            return tried
    return {name: value for name, value in made.items() if name != "features"}


def _stays(made: Tree, context: ExpansionContext, path: str) -> bool:
    try:
        return bool(extend(made, made, context, path).spec["domain"] == made["domain"])
    except Refused:
        return False
