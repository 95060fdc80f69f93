"""The smallest JSON patch (RFC 6902) from what came in to what it became.

Built for trees of which the new one grew from the old one: entries of a list keep their order, some are gone,
new ones stand at the end.
"""

from __future__ import annotations

from typing import Any

from webhook.declare.tree import copied
from webhook.trees import Tree


def diff(old: Tree, new: Tree, pointer: str) -> list[Tree]:
    """The operations that make `new` of `old`, both at `pointer`. Removals of list entries come last first."""
    operations: list[Tree] = []
    _object(old, new, pointer, operations)
    return operations


def _object(old: Tree, new: Tree, pointer: str, operations: list[Tree]) -> None:
    for name, value in new.items():
        if name not in old:
            operations.append({"op": "add", "path": f"{pointer}/{escaped(name)}", "value": value})
        else:
            _value(old[name], value, f"{pointer}/{escaped(name)}", operations)
    for name in old:
        if name not in new:
            operations.append({"op": "remove", "path": f"{pointer}/{escaped(name)}"})


def _value(old: Any, new: Any, pointer: str, operations: list[Tree]) -> None:
    if old is new:
        return
    if type(old) is dict and type(new) is dict:
        _object(old, new, pointer, operations)
    elif type(old) is list and type(new) is list:
        _list(old, new, pointer, operations)
    elif old != new or type(old) is not type(new):
        operations.append({"op": "replace", "path": pointer, "value": new})


def _list(old: list[Any], new: list[Any], pointer: str, operations: list[Tree]) -> None:
    if old == new:
        return
    kept = _kept(old, new)
    if kept is None:
        operations.append({"op": "replace", "path": pointer, "value": new})
        return
    staying = set(kept)
    for index in range(len(old) - 1, -1, -1):
        if index not in staying:
            operations.append({"op": "remove", "path": f"{pointer}/{index}"})
    for place, index in enumerate(kept):
        _value(old[index], new[place], f"{pointer}/{place}", operations)
    for value in new[len(kept) :]:
        operations.append({"op": "add", "path": f"{pointer}/-", "value": value})


def _kept(old: list[Any], new: list[Any]) -> list[int] | None:
    """The indices of the old entries that the new list begins with, in order; None where it is another list.

    Named entries meet by name (an unnamed old entry may have got one since), others by position.
    """
    if not all(type(entry) is dict for entry in (*old, *new)):
        return None
    kept: list[int] = []
    names = {entry.get("name") for entry in new}
    for index, entry in enumerate(old):
        if entry.get("name") is not None and entry["name"] not in names:
            continue
        if len(kept) == len(new):
            return None
        if entry.get("name") not in (None, new[len(kept)].get("name")):
            return None
        kept.append(index)
    return kept


def patched(obj: Tree, operations: list[Tree]) -> Tree:
    """A copy of an object with operations as `diff` makes them."""
    made: Tree = copied(obj)
    for operation in operations:
        *above, last = (token.replace("~1", "/").replace("~0", "~") for token in operation["path"].split("/")[1:])
        holder: Any = made
        for token in above:
            holder = holder[int(token)] if type(holder) is list else holder[token]
        if type(holder) is dict:
            if operation["op"] == "remove":
                del holder[last]
            else:
                holder[last] = operation["value"]
        elif operation["op"] == "remove":
            del holder[int(last)]
        elif last == "-":
            holder.append(operation["value"])
        else:
            holder[int(last)] = operation["value"]
    return made


def escaped(name: str) -> str:
    """A key as a token of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name
