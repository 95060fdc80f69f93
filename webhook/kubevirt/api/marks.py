"""The walk over an object of KubeVirt's: every field that is no frontend, and every one that nobody classified.

KubeVirt checks what a field takes. So a value is not checked here, but a field that these declarations do not know, or
that is of another form, is marked as handed on unread: a newer KubeVirt may mean something by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from webhook.declare import Backend, Field, Mark, Where, place_text
from webhook.declare.scalars import kind_of
from webhook.declare.withheld import told_key
from webhook.findings import Finding
from webhook.kubevirt.api.declarations import ANNOTATIONS, LABELS, annotation_tables, class_of, made, root
from webhook.kubevirt.api.kinds import at
from webhook.kubevirt.api.projection import ROOT
from webhook.trees import Tree

# So many names of one element are told.
_TOLD = 16
_UNREAD = Backend("escape-hatch")
_UNKNOWN = made("", _UNREAD, None, None)
# Of an element that has names which no path can have.
_ODD = made("", _UNREAD, None, None)
_POD_NETWORK = Backend("host-network")
_NICS = ("domain", "devices", "interfaces")


def marks_of(tree: Tree, *, partial: bool = False) -> list[Mark]:
    """The marks of an object's parts, in their order. Never raises, whatever the object is.

    `partial`: what is written into a machine of which nothing else is known.
    """
    marks: list[Mark] = []
    fields = root().fields
    for part, value in tree.items():
        shape = fields[part].shape
        assert shape is not None  # noqa: S101 - each part is an element
        if part == ANNOTATIONS and type(value) is dict:
            _annotations(value, shape.fields, marks)
        else:
            _element(value, shape.fields, (ROOT, part), marks)
    _on_the_pod_network(tree.get("vmi"), marks, partial=partial)
    _of_data_volumes(tree.get("vm"), marks)
    return marks


def _element(tree: Any, fields: dict[str, Field], where: Where, marks: list[Mark]) -> None:
    if type(tree) is not dict:
        if tree is not None:
            _unknown(tree, where, marks)
        return
    odd = False
    for name, value in tree.items():
        entry = fields.get(name)
        if entry is not None:
            if not entry.plain or entry.shape is not None:
                _field(value, entry, (where, name), marks)
        elif _is_plain(name):
            _unknown(value, (where, name), marks)
        elif not odd:
            odd = True
            marks.append(Mark(place_text(where), _UNREAD, tree, _ODD))


def _field(value: Any, entry: Field, where: Where, marks: list[Mark]) -> None:
    """What stands in an element, or is no plain frontend."""
    if entry.plain and entry.shape is not None:
        if entry.many:
            _list(value, entry.shape.fields, where, marks)
        else:
            _element(value, entry.shape.fields, where, marks)
    elif _asks(value, entry):
        marks.append(Mark(place_text(where), entry.field_class, value, entry))


def told_of(mark: Mark, finding: Finding) -> Iterator[Finding]:
    """What is told of a marked value: of an element each of its names that no path can have, or that it is none."""
    parts = (f"{ROOT}.{ANNOTATIONS}", f"{ROOT}.{LABELS}")
    if mark.path in parts and type(mark.value) is not dict:
        problem = f"is {kind_of(mark.value)}, expected an object"
        yield replace(finding, problem=problem, help="write each as `KEY: VALUE`, with the value in quotes")
        return
    names = [name for name in mark.value if not _is_plain(name)] if mark.field is _ODD else []
    told = [name for name in islice(names, _TOLD) if told_key(name) == name]
    if not told:
        yield finding
    for name in told:
        yield replace(finding, path=f"{finding.path}[{name}]")


def _is_plain(name: str) -> bool:
    """Whether a name is one step of a path; where it is not, the element around it is marked."""
    return name.replace("-", "").replace("/", "").isalnum()


def _asks(value: Any, entry: Field) -> bool:
    """Whether a field that is no frontend asks for anything: what is off or empty does not, an empty element does."""
    if value is None or value is False or value == "":
        return False
    return bool(value) or type(value) not in (dict, list) or (entry.shape is not None and type(value) is dict)


def _list(value: Any, fields: dict[str, Field], where: Where, marks: list[Mark]) -> None:
    if type(value) is not list:
        if value is not None:
            _unknown(value, where, marks)
        return
    for index, item in enumerate(value):
        _element(item, fields, (where, index), marks)


def _unknown(value: Any, where: Where, marks: list[Mark]) -> None:
    marks.append(Mark(place_text(where), _UNREAD, value, _UNKNOWN))


# The field of one entry of each family of annotations, which are marked one by one; bounded by the table.
_ENTRIES: dict[str, Field] = {}


def _annotations(tree: Tree, fields: dict[str, Field], marks: list[Mark]) -> None:
    for name, value in tree.items():
        entry = fields[name]
        path = f"{ROOT}.{ANNOTATIONS}.{name}"
        if entry.many:
            one = _ENTRIES.setdefault(name, replace(entry, many=False))
            marks.extend(Mark(f"{path}[{index}]", entry.field_class, item, one) for index, item in enumerate(value))
        elif not entry.plain and _asks(value, entry):
            marks.append(Mark(path, entry.field_class, value, entry))


def _on_the_pod_network(vmi: Any, marks: list[Mark], *, partial: bool) -> None:
    """A NIC that is bridged to the pod's own network takes the pod's address, and what it sends is not translated.

    Of a part of a machine the rest is not known: there each of the two is marked alone.
    """
    for index, _ in _bridged_to_pod(vmi, partial=partial):
        marks.append(_mark(f"domain.devices.interfaces[{index}].bridge"))
    if not partial:
        return
    named = _names(nic for _, nic in _objects(at(vmi, _NICS)))
    for index, network in _objects(at(vmi, ("networks",))):
        name = network.get("name")
        other = network.get("pod") is not None or network.keys() == {"name"}
        if other and (type(name) is not str or name not in named):
            marks.append(_mark(f"networks[{index}].pod"))


def _bridged_to_pod(vmi: Any, *, partial: bool = False) -> list[tuple[int, Any]]:
    """The NICs that are bridged to the pod's own network, by index and name.

    Of a part of a machine: a name alone gives a NIC that is there another network.
    """
    bridged = [
        (index, nic.get("name"))
        for index, nic in _objects(at(vmi, _NICS))
        if nic.get("bridge") is not None or (partial and nic.keys() == {"name"})
    ]
    if not bridged:
        return []
    networks = _objects(at(vmi, ("networks",)))
    elsewhere = _names(network for _, network in networks if network.get("pod") is None)
    return [(index, name) for index, name in bridged if type(name) is not str or name not in elsewhere]


def without_other_bridges(stored: Tree, now: Tree) -> Tree:
    """The stored parts without the bridges of NICs that have come to the pod's own network by another field's change.

    Such a bridge was another thing: it is not kept as it is stored.
    """
    bridged = [name for _, name in _bridged_to_pod(now.get("vmi")) if type(name) is str]
    nics = at(stored.get("vmi"), _NICS)
    if not bridged or type(nics) is not list:
        return stored
    anew = set(bridged).difference(name for _, name in _bridged_to_pod(stored.get("vmi")) if type(name) is str)
    if not anew:
        return stored
    kept = list(nics)
    for index, nic in _objects(nics):
        if _names((nic,)) & anew:
            kept[index] = {name: value for name, value in nic.items() if name != "bridge"}
    domain = stored["vmi"]["domain"]
    devices = {**domain["devices"], "interfaces": kept}
    return {**stored, "vmi": {**stored["vmi"], "domain": {**domain, "devices": devices}}}


def _of_data_volumes(vm: Any, marks: list[Mark]) -> None:
    """Annotations of the DataVolumes that a machine brings along, each map once for each class that is in it."""
    acting = annotation_tables()["dataVolumes"]
    beginnings = tuple(acting)
    for index, template in _objects(at(vm, ("dataVolumeTemplates",))):
        found = at(template, ("metadata", "annotations"))
        keys = [key for key in found if key.startswith(beginnings)] if type(found) is dict else []
        words = {word for beginning, word in acting.items() if any(key.startswith(beginning) for key in keys)}
        for word in sorted(words):
            path = f"{ROOT}.vm.dataVolumeTemplates[{index}].metadata.annotations"
            marks.append(Mark(path, class_of(word), found, _UNKNOWN))


def _names(entries: Iterable[Tree]) -> set[str]:
    return {name for entry in entries if type(name := entry.get("name")) is str}


def _mark(path: str) -> Mark:
    return Mark(f"{ROOT}.vmi.{path}", _POD_NETWORK, {}, _UNKNOWN)


def _objects(found: Any) -> list[tuple[int, Tree]]:
    return [(index, each) for index, each in enumerate(found) if type(each) is dict] if type(found) is list else []
