"""The policies about KubeVirt's machines as ValidatingAdmissionPolicies: where an object has what they are about.

What is decided without a rule about a value is left to the webhook: fields that nobody knows, patches of copies, PCI
addresses, families of annotations, and bridges by the network that they lead to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webhook.policy.vap.cel import text

EMPTY = text("")


@dataclass(frozen=True, slots=True)
class ObjectParts:
    """A kind of object with several parts: its group, plural and kind, the keys to each part and to the metadata."""

    group: str
    plural: str
    kind: str
    parts: Mapping[str, tuple[str, ...]]
    metadata: tuple[str, ...]


def around(targets: Sequence[ObjectParts], annotations: Mapping[str, str]) -> dict[str, str]:
    """Where the parts stand, the object as a tree of them, and the stored one as an optional.

    `annotations` has the name that policies have for each annotation, by its key.
    """
    return {
        "root": text("kubevirt"),
        "annotations": _annotations("object", targets, annotations),
        "annotated": _annotations("oldObject", targets, annotations),
        "spec": _by_kind(targets, "object", "annotations"),
        "old": f"oldObject == null ? optional.none() : optional.of({_by_kind(targets, 'oldObject', 'annotated')})",
        "moves": "false",
    }


def _by_kind(targets: Sequence[ObjectParts], obj: str, annotations: str) -> str:
    *others, last = targets
    tests = "".join(f"object.kind == {text(each.kind)} ? dyn({_tree(each, obj, annotations)}) : " for each in others)
    return f"({tests}dyn({_tree(last, obj, annotations)}))"


def _tree(target: ObjectParts, obj: str, annotations: str) -> str:
    parts = [
        f"?{text(part)}: {_stated(f'dyn({obj}){_way(keys)}.orValue({{}})')}" for part, keys in target.parts.items()
    ]
    own = "'metadata': dyn({'namespace': request.namespace})"
    return f"{{{', '.join(parts)}, 'annotations': dyn(variables.{annotations}), {own}}}"


def _annotations(obj: str, targets: Sequence[ObjectParts], names: Mapping[str, str]) -> str:
    *others, last = targets
    tests = "".join(f"object.kind == {text(each.kind)} ? dyn({obj}){_of(each)} : " for each in others)
    entries = ", ".join(
        f"?{text(name)}: {_stated(f'dyn(a[?{text(key)}].orValue({EMPTY}))')}" for key, name in names.items()
    )
    found = f"[({tests}dyn({obj}){_of(last)})].map(a, {{{entries}}})[0]"
    return found if obj == "object" else f"oldObject == null ? dyn({{}}) : dyn({found})"


def _stated(value: str) -> str:
    """An optional of a value that is not empty. cel-go's checker wants its type known where it is an entry of a map."""
    return f"optional.ofNonZeroValue({value})"


def _of(target: ObjectParts) -> str:
    return f"{_way((*target.metadata, 'annotations'))}.orValue({{}})"


def _way(keys: Sequence[str]) -> str:
    return "".join(f".?{key}" for key in keys)
