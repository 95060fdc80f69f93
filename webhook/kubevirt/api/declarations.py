"""The declarations of KubeVirt's API, made of types.yaml: the same shapes and declared fields as those of our own.

Policies have one element for each part of an object: `vm` is the spec of a VirtualMachine without its template, `vmi`
the spec of a VirtualMachineInstance wherever it stands, `annotations` and `labels` are those that reach its pod, and
`metadata` is the object's own name and namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import (
    SECRET_KINDS,
    Backend,
    DeclaredField,
    Element,
    Field,
    FieldClass,
    Frontend,
    Goal,
    Reference,
    Scalar,
    Shape,
    any_quantity,
    boolean,
    integer,
    text,
    walk,
)

FOLDER = Path(__file__).parent
# The elements of policies, each with its Go type, in the order of the reference.
PARTS = {
    "vm": "VirtualMachineSpec",
    "vmi": "VirtualMachineInstanceSpec",
    "instancetype": "VirtualMachineInstancetypeSpec",
    "preference": "VirtualMachinePreferenceSpec",
    "replicaSet": "VirtualMachineInstanceReplicaSetSpec",
    "pool": "VirtualMachinePoolSpec",
    "clone": "VirtualMachineCloneSpec",
    "restore": "VirtualMachineRestoreSpec",
}
# Fields that are a part of their own, or only say which objects are meant.
APART = frozenset({"template", "virtualMachineTemplate", "selector"})
ANNOTATIONS, LABELS, METADATA = "annotations", "labels", "metadata"
# Whatever JSON a map or a list of texts is: KubeVirt checks it, policies decide about it as a whole.
_ANY = Scalar({}, lambda _: None)
_SCALARS = {
    "": text(1 << 20),
    "bool": boolean(),
    "int": integer(-(2**63), 2**63 - 1),
    "quantity": any_quantity(),
    "any": _ANY,
}
_CLASSES: dict[str, FieldClass] = {"frontend": Frontend(), "goal": Goal()}


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """The fields of each Go type: class and content as types.yaml has them."""
    loaded: dict[str, dict[str, str]] = _read("types.yaml")
    return loaded


@cache
def annotation_tables() -> Mapping[str, Any]:
    """The annotations and labels that act (annotations.yaml)."""
    loaded: dict[str, Any] = _read("annotations.yaml")
    return loaded


def _read(file: str) -> Any:
    return yaml.load((FOLDER / file).read_text(), Loader=yaml.CSafeLoader)


def class_of(word: str) -> FieldClass:
    """The field class that a table names."""
    if word not in _CLASSES:
        kind, _, referred = word.partition(":")
        _CLASSES[word] = Reference(referred) if kind == "reference" else Backend(kind)
    return _CLASSES[word]


def made(
    name: str, field_class: FieldClass, scalar: Scalar | None, shape: Shape | None, *, many: bool = False
) -> Field:
    """A field of these tables."""
    backend = isinstance(field_class, Backend)
    return Field(
        name=name,
        attribute=name,
        field_class=field_class,
        place="",
        unless={},
        doc="",
        scalar=scalar,
        shape=shape,
        many=many,
        plain=not backend if shape is not None else isinstance(field_class, Frontend),
        may_be_off=backend and scalar is not None,
        secret=isinstance(field_class, Backend) and field_class.kind in SECRET_KINDS,
    )


@cache
def shape(name: str) -> Shape:
    """The shape of a Go type."""
    fields = {field: _field(field, words) for field, words in tables()[name].items()}
    return _shape(name, fields)


def _field(name: str, words: str) -> Field:
    word, _, content = words.partition(" ")
    many = content.startswith("[")
    inner = content.strip("[]")
    if inner in _SCALARS:
        return made(name, class_of(word), _SCALARS[inner], None)
    return made(name, class_of(word), None, shape(inner), many=many)


def _shape(name: str, fields: dict[str, Field]) -> Shape:
    key = "name" if "name" in fields else ""
    return Shape(element=Element, name=name, tag="", key=key, alike=(), doc="", fields=fields)


@cache
def root() -> Shape:
    """All parts together, as policies see them."""
    fields = {part: made(part, _CLASSES["frontend"], None, _part(name)) for part, name in PARTS.items()}
    for name, acting in ((ANNOTATIONS, _annotations()), (LABELS, _labels())):
        fields[name] = made(name, _CLASSES["frontend"], None, _shape(name.capitalize(), acting))
    own = {each: made(each, _CLASSES["frontend"], _SCALARS[""], None) for each in ("name", "namespace")}
    fields[METADATA] = made(METADATA, _CLASSES["frontend"], None, _shape(METADATA.capitalize(), own))
    return _shape("KubeVirt", fields)


def _part(name: str) -> Shape:
    whole = shape(name)
    return _shape(name, {field: entry for field, entry in whole.fields.items() if field not in APART})


def _annotations() -> dict[str, Field]:
    read = annotation_tables()
    found = _named(read["annotations"])
    entry = _shape(
        "Annotation", {each: made(each, _CLASSES["frontend"], _SCALARS[""], None) for each in ("name", "value")}
    )
    for words in read["families"].values():
        name, word = words.split(" ")
        found[name] = made(name, class_of(word), None, entry, many=True)
    return found


def _labels() -> dict[str, Field]:
    return _named(annotation_tables()["labels"])


def _named(table: Mapping[str, str]) -> dict[str, Field]:
    pairs = (words.split(" ") for words in table.values())
    return {name: made(name, class_of(word), _SCALARS[""], None) for name, word in pairs}


@cache
def declared_fields() -> dict[str, DeclaredField]:
    """Every declared place by its path, as policies name it: `vmi.domain.devices.disks[*].cache`."""
    return {place.path: place for place in walk(root(), "")}
