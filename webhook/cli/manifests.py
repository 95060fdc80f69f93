"""VMs from manifests: files, folders, standard input, and whatever stands among them that is none."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from webhook.cli import files, other_kinds
from webhook.declare import shown
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import GROUP, KINDS, SNAPSHOT
from webhook.kubevirt.api import KINDS as KUBEVIRT_KINDS
from webhook.kubevirt.api import kubevirt_kind
from webhook.trees import Tree

_Read = TypeVar("_Read")
_SUFFIXES = (".yaml", ".yml", ".json")
_WANTED = {*KINDS, *KUBEVIRT_KINDS, SNAPSHOT.name, "Namespace"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object, and where it was read: the file, its document there, and its entry of a `List`, each from 1.

    A document alone in its file has the number 0, an object in no list the entry 0; an object of a cluster has no file.
    """

    obj: Any
    file: str = ""
    document: int = 0
    item: int = 0

    @property
    def namespace(self) -> str:
        """The namespace that the object states."""
        return self._metadata("namespace")

    @property
    def name(self) -> str:
        """The object's name."""
        return self._metadata("name")

    @property
    def kind(self) -> str:
        """The object's kind."""
        return _text(self.obj.get("kind")) if isinstance(self.obj, dict) else ""

    def __str__(self) -> str:
        """The place for people: `all.yaml, document 2: VM team-a/web-1`."""
        file = "standard input" if self.file == "-" else self.file
        numbers = [f"{word} {at}" for word, at in (("document", self.document), ("item", self.item)) if at]
        whose = "/".join(part for part in (self.namespace, self.name) if part)
        return ": ".join(part for part in (", ".join([file, *numbers]), f"{self.kind} {whose}".strip()) if part)

    def about(self, findings: Iterable[Finding]) -> Findings:
        """These findings of the object, each with its place."""
        made = Findings((Placed(one.path, one.problem, one.help, one.rule, self) for one in findings), most=sys.maxsize)
        made.cut = isinstance(findings, Findings) and findings.cut
        return made

    def as_dict(self) -> Tree:
        """The place as a JSON object."""
        named = {"kind": self.kind, "namespace": self.namespace, "name": self.name}
        return {"file": self.file, "document": self.document, "item": self.item, **named}

    def _metadata(self, name: str) -> str:
        metadata = self.obj.get("metadata") if isinstance(self.obj, dict) else None
        return _text(metadata.get(name)) if isinstance(metadata, dict) else ""


@dataclass(frozen=True, slots=True)
class Placed(Finding):
    """A finding of one object among others."""

    manifest: Manifest = field(default_factory=lambda: Manifest(None))

    def __str__(self) -> str:
        return f"{self.manifest}: {Finding.__str__(self)}"

    def as_dict(self) -> Tree:
        """The finding, and the object's place."""
        own = {"path": self.path, "problem": self.problem, "help": self.help, "rule": self.rule}
        return {**self.manifest.as_dict(), **own}


@dataclass(slots=True)
class Manifests:
    """VMs, configurations and snapshots as they were written, namespace labels by name, and how many of other kinds."""

    found: list[Manifest] = field(default_factory=list)
    snapshots: list[Manifest] = field(default_factory=list)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    # Whether KubeVirt's own objects are asked for too; they are among those found.
    kubevirt: bool = False
    # What is wrong with files of which nothing was read.
    unread: list[Finding] = field(default_factory=list)

    @property
    def of_kubevirt(self) -> bool:
        """Whether an object of KubeVirt's was found."""
        return any(kubevirt_kind(one.obj) for one in self.found)

    @property
    def objects(self) -> list[Tree]:
        """The objects alone, without what does not even have the head of one."""
        return [
            one.obj
            for one in self.found
            if (one.kind in KINDS and str(one.obj.get("apiVersion")).startswith(f"{GROUP}/")) or kubevirt_kind(one.obj)
        ]

    def add(self, manifest: Manifest) -> None:
        """One object; what is of another kind is counted, and what is no object of Kubernetes' is an object of ours."""
        obj = manifest.obj
        if manifest.kind == "Namespace":
            labels = obj["metadata"].get("labels") if isinstance(obj.get("metadata"), dict) else None
            self.labels[manifest.name] = labels if isinstance(labels, dict) else {}
        asked = manifest.kind in KINDS or (self.kubevirt and kubevirt_kind(obj) is not None)
        if manifest.kind == SNAPSHOT.name:
            self.snapshots.append(manifest)
        elif not manifest.kind or asked or "apiVersion" not in obj:
            self.found.append(manifest)
        else:
            self.skipped[manifest.kind] += 1

    def told(self) -> str:
        """What was left out, in words; empty where nothing was."""
        return other_kinds.skipped(self.skipped)


def read(*sources: str | Path, snapshots: bool = False, kubevirt: bool = False, partial: bool = False) -> Manifests:
    """All VMs of files and below folders, those in a `List` too; with `snapshots` and `kubevirt` those objects as well.

    With `partial` what is wrong with one of several files is in `unread`. Raises Refused where there is no VM or a file
    is no YAML, Unreadable where a file cannot be read.
    """
    found = Manifests(kubevirt=kubevirt)
    for manifest in of_files(sources, _manifests, found.unread if partial else None):
        found.add(manifest)
    if not snapshots:
        found.skipped.update([SNAPSHOT.name] * len(found.snapshots))
        found.snapshots.clear()
    if not found.found and not found.snapshots:
        if found.unread:
            raise Refused(found.unread)
        raise other_kinds.without_vms(sources, found.skipped, kubevirt=False)
    return found


def vms(*sources: str | Path, kubevirt: bool = False) -> Manifests:
    """The same for whoever asks nothing of what is no VM: raises Refused where nothing is one."""
    found = read(*sources, kubevirt=kubevirt)
    if not found.objects:
        raise other_kinds.without_vms(sources, found.skipped, kubevirt=False)
    return found


def of_files(
    sources: Iterable[str | Path], read_one: Callable[[str], Iterable[_Read]], unread: list[Finding] | None = None
) -> list[_Read]:
    """What is read of each file, once each.

    What is wrong with one of several files is added to `unread` where that is given. Raises Refused with it else, and
    Unreadable for a file that is named itself and cannot be opened.
    """
    named = [str(source) for source in sources]
    all_files = list(dict.fromkeys(file for source in named for file in files_of(source)))
    found: list[_Read] = []
    findings: list[Finding] = []
    for file in all_files:
        try:
            found += read_one(file)
        except files.Unreadable as error:
            if file in named:
                raise
            problem = str(error).removeprefix(f"{file}: ")
            findings.append(Finding(file, problem, "mend the file, or move it away", "file"))
        except Refused as refused:
            findings += [_in_file(file, one) for one in refused.findings] if len(all_files) > 1 else refused.findings
    if findings and (unread is None or len(all_files) == 1):
        raise Refused(findings)
    if unread is not None:
        unread += findings
    return found


def _in_file(file: str, found: Finding) -> Finding:
    return found if found.path.startswith(file) else replace(found, path=f"{file}: {found.path}")


def files_of(source: str) -> list[str]:
    """The file that is named, or the manifests below the folder."""
    if source == "-" or not Path(source).is_dir():
        return [source]
    below = Path(source).rglob("*")
    return [str(file) for file in sorted(below) if file.suffix in _SUFFIXES and file.is_file()]


def _manifests(file: str) -> Iterator[Manifest]:
    """The objects of a file; those of a `List`, as kubectl prints several, are its items."""
    documents = files.documents(file, _WANTED)
    for document in documents:
        number = document.number if len(documents) > 1 else 0
        content = document.content if not document.other else {"apiVersion": "", "kind": document.other}
        items = content.get("items") if isinstance(content, dict) else None
        if isinstance(items, list) and str(content.get("kind")).endswith("List"):
            yield from (Manifest(item, file, number, index) for index, item in enumerate(items, 1))
        else:
            yield Manifest(content, file, number)


def _text(value: object) -> str:
    return shown(value) if isinstance(value, str) else ""
