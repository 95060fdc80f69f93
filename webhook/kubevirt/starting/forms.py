"""The parts of a `kubevirt.io/v1` VM that are read or written here: which of them has another form than KubeVirt's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from webhook.declare import shown
from webhook.declare.scalars import kind_of
from webhook.declare.tree import at
from webhook.findings import Finding
from webhook.kubevirt.starting.devices import NAMED, TARGETS

RULE = "kind"
_TEMPLATE = "spec.template"
_NEEDED = ("metadata", "spec", _TEMPLATE, f"{_TEMPLATE}.spec", f"{_TEMPLATE}.spec.domain")
# Parts of a template that may be left out, with what they are where they are there.
_ANNOTATIONS = "metadata.annotations"
_DEVICES = "spec.domain.devices"
_OBJECTS = (
    "metadata",
    _ANNOTATIONS,
    *(f"spec.domain.{name}" for name in ("machine", "firmware", "devices", "clock", "features")),
    *(f"{_DEVICES}.{name}" for name in ("sound", "watchdog", "rng", "tpm", "video", "clientPassthrough")),
)
_TEXTS = (
    "spec.architecture",
    "spec.domain.machine.type",
    "spec.domain.firmware.uuid",
    "spec.domain.firmware.serial",
    f"{_DEVICES}.sound.name",
    f"{_DEVICES}.sound.model",
    f"{_DEVICES}.watchdog.name",
)
# Lists whose entries have names, with the texts that are read of an entry.
_ENTRY_TEXTS = {
    "disks": ("serial",),
    "interfaces": ("macAddress", "pciAddress", "model"),
    "inputs": ("bus", "type"),
}
_LISTS = {
    "spec.volumes": (),
    "spec.networks": (),
    **{f"{_DEVICES}.{name}": _ENTRY_TEXTS.get(name, ()) for name in NAMED},
}
_WORDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
_INDEX = re.compile(r"\[.*?\]")


def well_formed(vm: Any) -> bool:
    """Whether every part of a VM that is read or written here has KubeVirt's form, and names are names."""
    return next(malformed(vm), None) is None


def malformed(vm: Any) -> Iterator[Finding]:
    """The parts that have another form, each with what it is. Never raises, whatever the VM is."""
    for path in _NEEDED:
        part = at(vm, path)
        if type(part) is not dict:
            yield _wrong(path, part, dict)
            return
    template = vm["spec"]["template"]
    for paths, form in ((_OBJECTS, dict), (_TEXTS, str)):
        for path in paths:
            yield from _optional(at(template, path), f"{_TEMPLATE}.{path}", form)
    annotations = at(template, _ANNOTATIONS)
    for key, text in annotations.items() if type(annotations) is dict else ():
        if type(text) is not str:
            yield _wrong(f"{_TEMPLATE}.{_ANNOTATIONS}[{shown(key)}]", text, str)
    for path, texts in _LISTS.items():
        yield from _named(at(template, path), f"{_TEMPLATE}.{path}", texts)
    disks = at(template, f"{_DEVICES}.disks")
    for index, entry in enumerate(disks if type(disks) is list else ()):
        yield from _disk(entry, f"{_TEMPLATE}.{_DEVICES}.disks[{index}]")


def _named(entries: Any, path: str, texts: tuple[str, ...]) -> Iterator[Finding]:
    """What is wrong with a list of objects, each with another name."""
    if type(entries) is not list:
        yield from _optional(entries, path, list)
        return
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        name = entry.get("name") if type(entry) is dict else None
        if type(entry) is not dict:
            yield _wrong(f"{path}[{index}]", entry, dict)
            continue
        if type(name) is not str:
            yield _wrong(f"{path}[{index}].name", name, str)
        elif name in seen:
            problem = f"`{shown(name)}` is already the name of entry {seen[name]}"
            yield Finding(f"{path}[{index}].name", problem, "give each entry a name of its own", RULE)
        else:
            seen[name] = index
        for text in texts:
            yield from _optional(entry.get(text), f"{path}[{index}].{text}", str)


def _disk(entry: Any, path: str) -> Iterator[Finding]:
    for target in TARGETS if type(entry) is dict else ():
        stated = entry.get(target)
        yield from _optional(stated, f"{path}.{target}", dict)
        for text in ("bus", "pciAddress"):
            yield from _optional(at(stated, text), f"{path}.{target}.{text}", str)


def _optional(value: Any, path: str, form: type) -> Iterator[Finding]:
    if value is not None and type(value) is not form:
        yield _wrong(path, value, form)


def _wrong(path: str, value: Any, form: type) -> Finding:
    found = "is missing" if value is None else f"is {kind_of(value)}"
    way = f"`kubectl explain virtualmachine.{_INDEX.sub('', path)}` says what it takes"
    return Finding(path, f"{found}, expected {_WORDS[form]}", way, RULE)
