"""What an import leaves behind: what the guest sees is refused, what was the host's alone is listed.

Classes say most of it: a frontend field that is lost, or a device that belongs to the host, is the guest's loss. The
rest is in `losses.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import Backend, Field, Frontend, Shape, shown
from webhook.domain import domain_shape
from webhook.domain.devices import KINDS
from webhook.domain.devices.character import HostEnd
from webhook.findings import Finding
from webhook.trees import Tree

# The fields whose class shows that a device belongs to the host.
_DECIDING = ("type", "mode", "model")
# A device or another part of a domain or its XML, and what is below it.
_PART = re.compile(r"(devices\.[a-zA-Z]+(?:\[[0-9]+\])?|/domain/devices/[^/]+|/domain/[^/]+|[^./]+)[./]?(.*)")
_INDEX = re.compile(r"\[[0-9]+\]")
_REMOVE = "remove it from the XML if the guest can do without it; an admin may state it in `spec.domain`"
_UNMODELLED = "remove it from the XML if the guest can do without it; else the machine has to stay where it is"


@dataclass(slots=True)
class Losses:
    """What the guest would miss, what was the host's alone, and what is there but not as it was."""

    guests: list[Finding] = field(default_factory=list)
    hosts: list[Finding] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)

    def take_unread(self, left: list[Finding]) -> None:
        """Sort what the reading of the XML could not take in."""
        for one in left:
            if one.rule == "running":
                continue
            if one.rule == "elsewhere" or _is_unread(one.path):
                self.hosts.append(one)
            else:
                way = _table()["ways"].get(_INDEX.sub("", one.path), _UNMODELLED)
                self.guests.append(Finding(one.path, one.problem, way, "import"))

    def of_host(self, path: str) -> None:
        self.hosts.append(Finding(path, "is the host's and is not carried over", "", "backend"))

    def tell(self, path: str, problem: str) -> None:
        """Say of something how it differs."""
        self.told.append(Finding(path, problem, "", "told"))

    def of_guest(self, path: str, problem: str) -> None:
        self.guests.append(Finding(path, problem, _REMOVE, "import"))


def without_backend(domain: Tree, losses: Losses) -> Tree:
    """The domain without its backend, each part of which is among the losses."""
    return _Removal(losses).element(domain, domain_shape(), "")


@dataclass(frozen=True, slots=True)
class _Removal:
    losses: Losses

    def element(self, tree: Tree, shape: Shape, path: str) -> Tree:
        made: Tree = {}
        for name, value in tree.items():
            entry, here = shape.fields[name], f"{path}.{name}".removeprefix(".")
            if _is_backend(entry, value):
                self._lose(entry, value, here)
            elif entry.shape is None:
                made[name] = value
            elif entry.many:
                made.update(self._entries(name, value, entry, here))
            else:
                inner = self._entry(value, entry, here)
                if inner or (inner is not None and not value):
                    made[name] = inner
        return made

    def _entries(self, name: str, items: list[Tree], entry: Field, here: str) -> Tree:
        pairs = [(item, self._entry(item, entry, f"{here}[{index}]")) for index, item in enumerate(items)]
        kept = [left for item, left in pairs if left or (left is not None and _stays(item, entry, here))]
        return {name: kept} if kept else {}

    def _entry(self, item: Tree, entry: Field, here: str) -> Tree | None:
        """An element without its backend; None for a device that does not exist without it."""
        assert entry.shape is not None  # noqa: S101 - the caller's case
        if _is_device(here) and not KINDS[entry.name].optional_backend:
            fields = entry.shape.fields
            reaching = [name for name in _DECIDING if name in item and _is_backend(fields[name], item[name])]
            if reaching:
                value = item[reaching[0]]
                if _is_unseen(entry.name, value):
                    self.losses.of_host(f"{here}.{reaching[0]}")
                else:
                    self.losses.of_guest(here, f"is a device of the host (`{shown(value)}`)")
                return None
        made = self.element(item, entry.shape, here)
        if _is_device(here) and issubclass(KINDS[entry.name], HostEnd) and "source" in item and "source" not in made:
            # The type of an end goes with what it led to.
            made.pop("type", None)
        return made

    def _lose(self, entry: Field, value: Any, here: str) -> None:
        because = _seen(here, value)
        if because:
            self.losses.of_guest(here, because)
        elif entry.shape is None and isinstance(entry.field_class, Frontend):
            self.losses.of_guest(here, f"is `{shown(value)}`, which only the host can give")
        else:
            self.losses.of_host(here)


def _is_backend(entry: Field, value: Any) -> bool:
    return isinstance(entry.field_class if entry.shape is not None else entry.class_of_value(value), Backend)


def _is_device(here: str) -> bool:
    return here.startswith("devices.") and here.count(".") == 1


def _stays(item: Tree, entry: Field, here: str) -> bool:
    """Whether an entry of which nothing is left is there all the same: a device that says only that it exists."""
    return _is_device(here) and (not item or KINDS[entry.name].optional_backend)


def _seen(here: str, value: Any) -> str:
    """Why the guest sees a part of the host's; empty where it does not."""
    path = _INDEX.sub("", here)
    rows = (row for row in _table()["seen"] if row["path"] == path and value in row.get("values", (value,)))
    return next((row["because"] for row in rows), "")


def _is_unseen(listed: str, value: Any) -> bool:
    values = _table()["unseen"].get(listed)
    return values is not None and (not values or value in values)


def _is_unread(path: str) -> bool:
    parts = _INDEX.sub("", path).split("/")
    return any("/".join(parts[:end]) in _table()["unread"] for end in range(2, len(parts) + 1))


def by_device(left: list[Finding], domain: Tree) -> Iterator[str]:
    """A line for each device, or other part of the XML, of which something was the host's."""
    parts: dict[str, list[str]] = {}
    for one in left:
        form = _PART.match(one.path)
        part, below = (form[1], form[2]) if form else (one.path, "")
        if not part.startswith(("devices.", "/")):
            part = _INDEX.sub("", part)
        said = below if one.rule == "backend" else f"{below} {one.problem}".strip()
        parts.setdefault(part, []).append(said)
    for part, fields in parts.items():
        said = ", ".join(dict.fromkeys(filter(None, fields)))
        yield f"{part}{_name(part, domain)}" + (f": {said}" if said else "")


def _name(device: str, domain: Tree) -> str:
    form = re.fullmatch(r"devices\.([a-zA-Z]+)\[([0-9]+)\]", device)
    entries = domain.get("devices", {}).get(form[1], []) if form else []
    target = entries[int(form[2])].get("target", {}) if form and int(form[2]) < len(entries) else {}
    return f" ({shown(target['dev'])})" if isinstance(target, dict) and target.get("dev") else ""


# Package data, read once.
@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("losses.yaml").read_text())
    return table
