"""The JSON patches of a clone or a restore, as the virtual machine that each would write.

KubeVirt applies them to an object that is not at hand here, by its own account. So the value of each operation is
judged at the place where it is written. A value that comes from elsewhere in the object is not to be seen, so that the
spec takes none; where a field goes, what it stood in is judged as it would be without any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from webhook.declare import shown
from webhook.findings import Finding
from webhook.kubevirt.api.kinds import Keys, at

RULE = "patches"
# Whether an entry is refused depends on all of it: a feature that is required, or disabled.
_FEATURES = ["spec", "template", "spec", "domain", "cpu", "features"]
# Steps of a JSON pointer that an object of Kubernetes' has.
_DEEPEST = 64
_MOST = 256
_FORM = 'write it as text, like `{"op": "replace", "path": "/spec/runStrategy", "value": "Halted"}`'


@dataclass(frozen=True, slots=True)
class Patched:
    """What one patch writes: its place in the object, and a VirtualMachine with nothing but that in it."""

    place: str
    obj: Any


def patched(spec: Any, place: str, keys: Keys) -> Iterator[Patched | Finding]:
    """What the patches of a spec write, each operation alone, and what is no patch."""
    patches = at(spec, keys)
    left = _MOST
    for index, text in enumerate(patches if type(patches) is list else ()):
        for each in _operations(text, f"{place}[{index}]"):
            left -= 1
            if left < 0:
                yield Finding(place, f"has more than {_MOST} operations", f"write {_MOST} or fewer", RULE)
                return
            yield each
    if patches is not None and type(patches) is not list:
        yield Finding(place, "is no list of patches", _FORM, RULE)


def _operations(text: Any, place: str) -> Iterator[Patched | Finding]:
    """The operations of one patch, which is one operation or a list of them."""
    try:
        read = orjson.loads(text) if type(text) is str else None
    except orjson.JSONDecodeError:
        read = None
    if read is not None and _repeats(text):
        yield Finding(place, "has a name twice in one object", "write each name once", RULE)
        return
    for each in read if type(read) is list else [read]:
        yield _operation(each, place)


def _repeats(text: str) -> bool:
    """Whether an object in this JSON has a name twice: Go merges both values, where others take the last."""
    repeated = False

    def noted(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({name for name, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=noted, parse_int=str)
    except RecursionError:
        return True
    return repeated


def _operation(each: Any, place: str) -> Patched | Finding:
    name, path = (each.get("op"), each.get("path")) if type(each) is dict else (None, None)
    if type(name) is not str or type(path) is not str or (path and not path.startswith("/")):
        return Finding(place, "is no JSON patch", _FORM, RULE)
    steps = _steps(path)
    if len(steps) > _DEEPEST:
        return Finding(place, f"`{shown(path)}` is deeper than an object is", "name a field", RULE)
    if _changes_feature(name, steps) or (name == "move" and _changes_feature("remove", _steps(each.get("from")))):
        return Finding(place, "changes a CPU feature of which not all is said", "replace the whole entry", RULE)
    if name == "test":
        return Patched(place, {})
    if name == "remove":
        return Patched(place, {} if not steps or _is_entry(steps[-1]) else _written(steps[:-1], {}))
    if name not in ("add", "replace") and (not steps or steps[0] == "spec"):
        problem = f"takes `{shown(path)}` from elsewhere in the object"
        return Finding(place, problem, "write it as the `value` of a `replace`", RULE)
    return Patched(place, _written(steps, each.get("value") if name in ("add", "replace") else {}))


def _steps(pointer: Any) -> list[str]:
    """The steps of a JSON pointer; none of what is no text."""
    if type(pointer) is not str:
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _changes_feature(name: str, steps: list[str]) -> bool:
    inside = steps[: len(_FEATURES)] == _FEATURES
    return inside and (name == "remove" or len(steps) > len(_FEATURES) + 1)


def _written(steps: list[str], value: Any) -> Any:
    """An object with nothing but the value at these steps; an entry of a list is a list of the one."""
    made = value
    for step in reversed(steps):
        made = [made] if _is_entry(step) else {step: made}
    return made


def _is_entry(step: str) -> bool:
    """Whether a step leads to an entry of a list."""
    return step == "-" or step.isdecimal()
