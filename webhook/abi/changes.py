"""What an update that passes changes of a VM, as warnings: what devices refer to, and what its features lead to."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.abi.adoption import DeviceKey, references, references_of
from webhook.abi.freeze import Tree, devices_of
from webhook.abi.state import LATEST
from webhook.declare import Field, Goal, Shape, shown, told
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.domain.devices import KINDS
from webhook.findings import Finding

# The words that people have for a list's devices, where the element is called otherwise.
_WORDS = {"disks": "disk", "interfaces": "NIC"}


def changed(stored: Tree, spec: Tree, path: str) -> Iterator[Finding]:
    """The changes of an update; where only the words of the features are others, that the machine stays as it is.

    Devices that come and go, and goals, are told where the features have changed.
    """
    told_any = False
    by_features = stored.get("features") != spec.get("features")
    for finding in _changes(stored, spec, f"{path}.domain", by_features=by_features):
        told_any = True
        yield finding
    if by_features and not told_any and (spec.get("abi") or {}).get("policy") != LATEST:
        yield Finding(f"{path}.features", "the update changes these words alone, the machine stays as it is")


def _changes(stored: Tree, spec: Tree, path: str, *, by_features: bool) -> Iterator[Finding]:
    before = _removable(stored["domain"].get("devices", {}))
    now = _removable((spec.get("domain") or {}).get("devices", {}))
    for key in (key for key in before if key in now):
        yield from _reconnected(key, before[key], now[key], f"{path}.devices.{key[0]}[{key[1]}]")
    if by_features:
        for (kind, name), device in before.items():
            if (kind, name) not in now:
                yield Finding(f"{path}.devices.{kind}", f"{_called(kind, name)} is removed{_was_on(kind, device)}")
        resting = devices_of((stored.get("abi") or {}).get("tombstones") or {})
        for (kind, name), device in now.items():
            if (kind, name) not in before:
                news = "is back at its place" if (kind, name) in resting else "is new"
                yield Finding(f"{path}.devices.{kind}[{name}]", f"{_called(kind, name)} {news}{_uses(kind, device)}")
        yield from _goals(stored["domain"], spec.get("domain") or {}, domain_shape(), path)


def _removable(lists: Tree) -> dict[DeviceKey, Tree]:
    """The devices that an update may add or remove."""
    return {key: one for key, one in devices_of(lists).items() if not KINDS[key[0]].permanent and not is_none(one)}


def _reconnected(key: DeviceKey, before: Tree, now: Tree, place: str) -> Iterator[Finding]:
    called = _called(*key)
    for name in sorted(references_of(key[0])):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if new is None:
            problem = f"{called} no longer uses {name} `{shown(old)}`"
        elif old is None:
            problem = f"{called} now uses {name} `{shown(new)}`"
        else:
            problem = f"{called} now uses {name} `{shown(new)}` instead of `{shown(old)}`"
        yield Finding(f"{place}.{name}", problem)


def _called(kind: str, name: str) -> str:
    return f"{_WORDS.get(kind, KINDS[kind].tag)} `{shown(name)}`"


def _uses(kind: str, device: Tree) -> str:
    references = _references(kind, device)
    return f" and uses {references}" if references else ""


def _was_on(kind: str, device: Tree) -> str:
    references = _references(kind, device)
    return f", it used {references}" if references else ""


def _references(kind: str, device: Tree) -> str:
    return ", ".join(f"{name} `{shown(value)}`" for name, value in references(kind, device))


def _goals(before: Tree, now: Tree, shape: Shape, path: str) -> Iterator[Finding]:
    """Goals of the whole machine, such as exclusive CPUs, that have another value."""
    for name, entry in shape.fields.items():
        old, new = before.get(name), now.get(name)
        if old == new or name == "devices" or entry.many:
            continue
        if entry.shape is not None:
            yield from _goals(old or {}, new or {}, entry.shape, f"{path}.{name}")
        elif isinstance(entry.class_of_value(new), Goal) or isinstance(entry.class_of_value(old), Goal):
            yield Finding(f"{path}.{name}", _instead(entry, old, new))


def _instead(entry: Field, old: object, new: object) -> str:
    if new is None:
        return f"is no longer {told(entry, old)}"
    return f"is now {told(entry, new)}" + ("" if old is None else f" instead of {told(entry, old)}")
