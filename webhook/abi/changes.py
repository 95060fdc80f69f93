"""What an update that passes changes of a VM, each with its class and what the guest notices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from webhook.abi.adoption import references, references_of
from webhook.abi.compare import Change, differences, value_in_words
from webhook.abi.consequences import Consequence, consequence_of
from webhook.abi.freeze import devices_of
from webhook.abi.state import LATEST
from webhook.declare import Backend, Field, FieldPath, shown, told
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

# The words that people have for a list's devices, where the element is called otherwise.
_WORDS = {"disks": "disk", "interfaces": "NIC"}


class LifeChange(NamedTuple):
    """A change, what it is for the guest, and how it is told."""

    change: Change
    consequence: Consequence
    text: str


def changed(stored: Tree, spec: Tree, path: str) -> Iterator[Finding]:
    """The changes of an update; where only the words of the features are others, that the machine stays as it is.

    What the host alone notices is not told: policy decides it.
    """
    told_any = False
    yield from _moved(stored.get("abi") or {}, spec.get("abi") or {}, path)
    for each in changes(stored, spec):
        if not is_hosts(each.change):
            told_any = True
            yield Finding(f"{path}.domain{each.change.path}", f"{each.text} ({each.consequence})")
    by_features = stored.get("features") != spec.get("features")
    if by_features and not told_any and (spec.get("abi") or {}).get("policy") != LATEST:
        yield Finding(f"{path}.features", "the update changes these words alone, the machine stays as it is")


def _moved(before: Tree, after: Tree, path: str) -> Iterator[Finding]:
    """That the machine is now one of another rule set; what that changes of it is told by itself."""
    was, now = before.get("ruleSet"), after.get("ruleSet")
    if was and was != now:
        yield Finding(f"{path}.abi.ruleSet", f"is now `{shown(now)}` instead of `{shown(was)}`")


def changes(stored: Tree, spec: Tree) -> Iterator[LifeChange]:
    """All that differs between the domains of two specs, of every class."""
    old, new = stored.get("domain") or {}, spec.get("domain") or {}
    resting = devices_of((stored.get("abi") or {}).get("tombstones") or {})
    for change in differences(old, new):
        if change.device:
            text = _plugged(change, change.device, resting.get((change.device, _name(change))))
        else:
            text = _reconnected(change, new) or _another(change)
        yield LifeChange(change, consequence_of(change, old, new), text)


def is_hosts(change: Change) -> bool:
    """Whether it is how the host provides something, or a controller, which comes with the device that needs it."""
    if change.device:
        return KINDS[change.device].permanent
    entry = _field_of(change)
    if entry is None or change.seen:
        return False
    of_values = (entry.class_of_value(change.old), entry.class_of_value(change.new))
    return any(isinstance(each, Backend) for each in of_values)


def _field_of(change: Change) -> Field | None:
    return field_at(domain_shape(), FieldPath.parse(change.declared.removeprefix("domain.")))


def _name(change: Change) -> str:
    device = change.old if change.new is None else change.new
    return device.get("name") or change.device


def _plugged(change: Change, kind: str, rests: Tree | None) -> str:
    called = _called(kind, _name(change))
    if change.new is None:
        used = _uses(kind, change.old)
        return f"{called} is removed" + (f", it used {used}" if used else "")
    used = _uses(kind, change.new)
    if rests is None:
        came = "is new"
    else:
        same = rests.get("address") == change.new.get("address")
        came = "is back at its place" if same else "is back at another place"
    return f"{called} {came}" + (f" and uses {used}" if used else "")


def _reconnected(change: Change, new: Tree) -> str:
    """How a device's reference is told; empty where the field is none."""
    parts = FieldPath.parse(change.path)
    if len(parts) < 3 or parts[0][0] != "devices":
        return ""
    kind, name = parts[1][0], parts[2][0]
    if len(parts) != 3 or name not in references_of(kind):
        return ""
    device: Any = FieldPath(parts[:2]).value(new)
    called = _called(kind, device.get("name") or kind)
    if change.new is None:
        return f"{called} no longer uses {name} `{shown(change.old)}`"
    instead = "" if change.old is None else f" instead of `{shown(change.old)}`"
    return f"{called} now uses {name} `{shown(change.new)}`{instead}"


def _another(change: Change) -> str:
    """Another value of a field, or an entry of a list more or less."""
    item, entry = change.old if change.new is None else change.new, _field_of(change)
    if type(item) is dict and entry is not None and entry.shape is not None and item.get(entry.shape.key):
        called = told(entry.shape.fields[entry.shape.key], item[entry.shape.key])
        return f"{called} is {'gone' if change.new is None else 'new'}"
    if change.new is None:
        return f"is no longer {value_in_words(change.old, change)}"
    instead = "" if change.old is None else f" instead of {value_in_words(change.old, change)}"
    return f"is now {value_in_words(change.new, change)}{instead}"


def _called(kind: str, name: str) -> str:
    return f"{_WORDS.get(kind, KINDS[kind].tag)} `{shown(name)}`"


def _uses(kind: str, device: Tree) -> str:
    return ", ".join(f"{name} `{shown(value)}`" for name, value in references(kind, device))
