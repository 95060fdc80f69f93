"""The JSON patches of a clone or a restore, as the virtual machine that each would write.

KubeVirt applies them to an object that is not at hand here, by its own account. So the value of each operation is
judged at the place where it is written; a value that comes from elsewhere in the object is anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from webhook.declare import shown
from webhook.findings import Finding
from webhook.kubevirt.kinds import Keys, at

RULE = "patches"
# A value that is taken from elsewhere in the object: nothing that a condition holds of.
_ANYTHING: dict[str, Any] = {"from": "elsewhere"}
# Steps of a JSON pointer that an object of Kubernetes' has.
# Whether an entry is refused depends on all of it: a feature that is required, or disabled.
_FEATURES = ["spec", "template", "spec", "domain", "cpu", "features"]
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
    for index, text in enumerate(patches[:_MOST] if type(patches) is list else ()):
        yield from _operations(text, f"{place}[{index}]")
    if type(patches) is list and len(patches) > _MOST:
        yield Finding(place, f"has {len(patches)} patches", f"write {_MOST} or fewer", RULE)
    elif patches is not None and type(patches) is not list:
        yield Finding(place, "is no list of patches", _FORM, RULE)


def _operations(text: Any, place: str) -> Iterator[Patched | Finding]:
    """The operations of one patch, which is one operation or a list of them."""
    try:
        read = orjson.loads(text) if type(text) is str else None
    except orjson.JSONDecodeError:
        read = None
    for each in read if type(read) is list else [read]:
        yield _operation(each, place)


def _operation(each: Any, place: str) -> Patched | Finding:
    name, path = (each.get("op"), each.get("path")) if type(each) is dict else (None, None)
    if type(name) is not str or type(path) is not str or (path and not path.startswith("/")):
        return Finding(place, "is no JSON patch", _FORM, RULE)
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    if len(steps) > _DEEPEST:
        return Finding(place, f"`{shown(path)}` is deeper than an object is", "name a field", RULE)
    if steps[: len(_FEATURES)] == _FEATURES and (name == "remove" or len(steps) > len(_FEATURES) + 1):
        return Finding(place, "changes a CPU feature of which not all is said", "replace the whole entry", RULE)
    if name in ("remove", "test"):
        return Patched(place, {})
    return Patched(place, _written(steps, each.get("value") if name in ("add", "replace") else _ANYTHING))


def _written(steps: list[str], value: Any) -> Any:
    """An object with nothing but the value at these steps; an entry of a list is a list of the one."""
    made = value
    for step in reversed(steps):
        made = [made] if step == "-" or step.isdecimal() else {step: made}
    return made
