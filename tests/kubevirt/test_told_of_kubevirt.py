"""What is told of a VM of KubeVirt's whose texts are hostile: no control character reaches a terminal or a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.kubevirt.edits import machine
from tests.kubevirt.planting import planted
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.declare.tree import copied
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.next_start import Upgrade, next_start
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

SITE = Site("v1.9.0", hook=True)
UPGRADE = Upgrade("v1.6.1", "v1.9.0", stated=True)
HOSTILE = ("\x1b[31m\x07", "a\nb", "\u202e", -1, [], {}, None)
VM = machine(2, ("virtio", "sata"), rng={}, sound={"name": "music", "model": "ich9"})
VM["spec"]["instancetype"], VM["spec"]["preference"] = {"name": "small"}, {"name": "linux", "kind": "x"}
VM["spec"]["template"]["spec"]["domain"]["devices"]["filesystems"] = [{"name": "share", "virtiofs": {}}]
VM["spec"]["template"]["spec"].setdefault("volumes", []).extend(
    [
        {"name": "init", "cloudInitNoCloud": {"userData": "x"}},
        {"name": "share", "persistentVolumeClaim": {"claimName": "c"}},
    ]
)
STORED: Tree = orjson.loads(orjson.dumps(freeze(VM, None, SITE).vm))
NOTED = STORED["spec"]["template"]["metadata"]["annotations"][ANNOTATION]


def places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*way, key)
        yield from places(value, (*way, key))


def written(vm: Tree, stored: Tree | None) -> list[str]:
    made = freeze(vm, stored, SITE)
    return [str(each) for each in (*made.findings, *made.warnings)]


def audited(vm: Tree) -> list[str]:
    told = next_start(vm, None, UPGRADE, SITE)
    places_ = [text for move in told.moves for text in (move.until_now, move.then)]
    return [told.reason, told.help, *places_, *map(str, told.notes)]


def converted(vm: Tree) -> list[str]:
    made = from_kubevirt(vm, SITE)
    return [*map(str, made.findings), *(f"{each.path}: {each.problem}" for each in made.notes)]


TELLS: dict[str, Callable[[Tree], list[str]]] = {
    "a new one": lambda vm: written(vm, None),
    "an update": lambda vm: written(vm, STORED),
    "an update of it": lambda vm: written(VM, vm),
    "an audit": audited,
    "a conversion": converted,
}


def told_of(tells: Callable[[Tree], list[str]], value: Any) -> Iterator[str]:
    for way in places(STORED):
        yield from tells(planted(STORED, way, value))
    machine_ = orjson.loads(NOTED)
    for way in places(machine_):
        vm = copied(STORED)
        text = orjson.dumps(planted(machine_, way, value)).decode()
        vm["spec"]["template"]["metadata"]["annotations"][ANNOTATION] = text
        yield from tells(vm)


@pytest.mark.parametrize("value", HOSTILE, ids=map(repr, HOSTILE))
@pytest.mark.parametrize("tells", TELLS.values(), ids=TELLS)
def test_no_text_of_a_tenants_is_told_with_what_a_terminal_obeys(
    tells: Callable[[Tree], list[str]], value: Any
) -> None:
    for text in told_of(tells, value):
        odd = [char for line in text.split("\n  help: ") for char in line if not char.isprintable()]
        assert odd == [], text


def test_a_file_system_without_its_volume_is_not_given_another_one() -> None:
    devices = {"filesystems": [{"name": "lost", "virtiofs": {}}]}
    vm = machine(1, ("virtio",), **devices)
    claims = [{"name": "share", "persistentVolumeClaim": {"claimName": "others"}}]
    vm["spec"]["template"]["spec"]["volumes"] = [*vm["spec"]["template"]["spec"].get("volumes", ()), *claims]
    made = from_kubevirt(vm, SITE)
    assert any("filesystems[0]" in each.path for each in made.findings)
