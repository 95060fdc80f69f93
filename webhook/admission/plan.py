"""What of a VM waits: the difference between its configuration and what runs, by when it can come, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from webhook.abi.changes import LifeChange, changes, is_hosts
from webhook.abi.compare import differences
from webhook.abi.consequences import ChangeClass
from webhook.abi.resting import key_of
from webhook.abi.state import reserved
from webhook.declare import FieldPath
from webhook.findings import Refused
from webhook.kinds import Kind, inspect_spec
from webhook.trees import Tree


class State(StrEnum):
    """What a change waits for: the node's agent, the guest, or the next boot."""

    PENDING = "hot-plug pending"
    REQUESTED = "unplug requested"
    AT_REBOOT = "at the next reboot"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that waits. `since` is empty where nobody knows; without `exact` it came then or before.

    `desired`: whether `status.desired` says so already; None where there is no such configuration, and at a reboot.
    """

    state: State
    change: LifeChange
    since: str
    exact: bool
    desired: bool | None


@dataclass(frozen=True, slots=True)
class Resting:
    """A removed device whose place is reserved; the place is empty where it gave it up, `since` where nobody knows."""

    listed: str
    name: str
    place: str
    since: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that waits of one VM; of one that does not run nothing does."""

    running: bool
    node: str
    waiting: tuple[Waiting, ...]
    resting: tuple[Resting, ...]


def plan_of(obj: Tree, kind: Kind) -> Plan:
    """The plan of a stored object, whose spec has been inspected; raises Refused where its status is malformed."""
    spec: Tree = kind.spec_of(obj)
    status = obj.get("status")
    status = status if type(status) is dict else {}
    current, desired = (_configuration(status, part, kind) for part in ("current", "desired"))
    resting = tuple(_resting(spec.get("abi") or {}))
    node = status.get("node")
    waiting = tuple(_waiting(obj, spec, current, desired, kind)) if current else ()
    return Plan(bool(current), node if type(node) is str else "", waiting, resting)


def _configuration(status: Tree, part: str, kind: Kind) -> Tree | None:
    """A configuration of the status; raises Refused."""
    domain = status.get(part)
    if domain is None:
        return None
    path = f"{kind.spec_path}.domain"
    found = inspect_spec({"domain": domain}, kind.spec_path).findings
    if found:
        raise Refused([replace(each, path=f"status.{part}{each.path.removeprefix(path)}") for each in found])
    return domain  # type: ignore[no-any-return]


def _waiting(obj: Tree, spec: Tree, current: Tree, desired: Tree | None, kind: Kind) -> Iterator[Waiting]:
    domain: Tree = spec.get("domain") or {}
    missing = None if desired is None else {each.path for each in differences(desired, domain)}
    removed = {key_of(entry): str(entry.get("since", "")) for entry in (spec.get("abi") or {}).get("removed") or ()}
    for each in changes({"domain": current}, spec):
        change, change_class = each.change, each.consequence.change_class
        if change_class is ChangeClass.NONE or is_hosts(change):
            continue
        goes = bool(change.device) and change.new is None
        if change_class is not ChangeClass.HOTPLUG:
            state = State.AT_REBOOT
        else:
            state = State.REQUESTED if goes else State.PENDING
        if goes:
            since = removed.get((change.device, change.old.get("name") or change.device), "")
        else:
            since = _set_before(obj, kind, FieldPath.parse(change.path), domain)
        asked = None if missing is None or state is State.AT_REBOOT else change.path not in missing
        yield Waiting(state, each, since, goes, asked)


def _resting(abi: Tree) -> Iterator[Resting]:
    ages = {key_of(entry): str(entry.get("since", "")) for entry in abi.get("removed") or ()}
    for entry in reserved(abi):
        kind, name = entry["list"], entry["name"]
        yield Resting(kind, name, entry["device"].get("address", ""), ages.get((kind, name), ""))


def _set_before(obj: Tree, kind: Kind, path: FieldPath, domain: Tree) -> str:
    """The time until which a field had got its value; empty where the object does not say.

    An API server keeps for each manager when it last changed one of its fields. Whoever has the field has its value;
    what the service made of somebody's words has nobody, and came with the last change of the spec at the latest.
    """
    metadata = obj.get("metadata")
    entries = metadata.get("managedFields") if type(metadata) is dict else None
    above = [f"f:{part}" for part in kind.spec]
    keys = [*above, "f:domain", *_keys(path, domain)]
    owners = [
        entry
        for entry in (entries if type(entries) is list else ())
        if type(entry) is dict and type(entry.get("time")) is str and not entry.get("subresource")
    ]
    of_the_field = [entry["time"] for entry in owners if _has(entry.get("fieldsV1"), keys)]
    of_the_spec = [entry["time"] for entry in owners if _has(entry.get("fieldsV1"), above)]
    return min(of_the_field, default=max(of_the_spec, default=""))


def _keys(path: FieldPath, domain: Tree) -> Iterator[str]:
    """A field's place among managed fields, as far down as lists have names."""
    for depth, (name, index) in enumerate(path, 1):
        yield f"f:{name}"
        if index:
            entry = FieldPath(path[:depth]).value(domain)
            named = entry.get("name") if type(entry) is dict else None
            if named is None:
                return
            yield f"k:{orjson.dumps({'name': named}).decode()}"


def _has(fields: Any, keys: list[str]) -> bool:
    """Whether a set of fields has this one, or something that is owned whole above it."""
    for key in keys:
        if type(fields) is not dict or not fields:
            return type(fields) is dict
        if key not in fields:
            return False
        fields = fields[key]
    return True
