"""The machine that runs as a VM's own spec: what the guest sees by its status, what the host provides by its spec."""

from __future__ import annotations

from webhook.abi.freeze import frontend_of
from webhook.abi.restoring import rested
from webhook.declare import Frontend, Shape
from webhook.declare.tree import copied
from webhook.domain import domain_shape
from webhook.trees import Tree


def running_machine(spec: Tree, current: Tree) -> Tree:
    """The spec of a VM as it runs: the guest sees what `current` says, the host provides what the spec says.

    Devices that wait for the next boot rest. Both domains have been inspected.
    """
    domain = frontend_of(current)
    _drop_emptied(domain, current)
    _provide(domain, spec["domain"], domain_shape())
    abi = copied(spec.get("abi") or {})
    made = {**spec, "abi": abi, "domain": domain}
    for part in ("tombstones", "removed"):
        abi.pop(part, None)
    abi |= rested(made, spec)
    return made


def _drop_emptied(tree: Tree, before: Tree) -> None:
    """Take elements away of which nothing is left, in place."""
    for name, value in list(tree.items()):
        if type(value) is dict:
            _drop_emptied(value, before[name])
            if not value and before[name]:
                del tree[name]
        elif type(value) is list and len(value) == len(before[name]):
            for entry, then in zip(value, before[name], strict=True):
                if type(entry) is dict:
                    _drop_emptied(entry, then)


def _provide(into: Tree, stored: Tree, shape: Shape) -> None:
    """Copy what the guest does not see from `stored` to the same elements of another domain, in place."""
    for name, value in stored.items():
        entry = shape.fields[name]
        if entry.shape is None:
            if name not in into and not isinstance(entry.class_of_value(value), Frontend):
                into[name] = value
        elif not entry.many:
            there = into.get(name, {})
            _provide(there, value, entry.shape)
            if there and (name in into or not isinstance(entry.field_class, Frontend)):
                into[name] = there
        elif entry.shape.key:
            by_key = {item.get(entry.shape.key): item for item in into.get(name) or ()}
            for item in value:
                if item.get(entry.shape.key) in by_key:
                    _provide(by_key[item[entry.shape.key]], item, entry.shape)
        elif name not in into and not isinstance(entry.field_class, Frontend):
            into[name] = copied(value)
