"""The API server with exported policies and the engine with the policies themselves say the same of the same VMs.

Both tell every refused path, so that it is not enough to be right about the whole for a wrong reason. Specs are random,
and the same at every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.policy.vap.api_server import LABEL, NAMESPACES, Answer, Outage, User, exported, judged, loaded
from tests.policy.vap.trees import Wild, merged, renamed, smallest
from webhook.kinds import VM_CONFIG
from webhook.kinds.spec import spec_shape
from webhook.policy import Engine
from webhook.trees import Tree

SITE = yaml.safe_load((Path(__file__).parent / "site.yaml").read_text())
SAID = [(path, value) for path, values in SITE["said"].items() for value in values]
LEVELS = ("restricted", "baseline", "privileged")
NAMESPACED = [name for name in NAMESPACES if name != "kube-system"]
TEAMS = {"team-a": {LABEL: "baseline", "tier": "gold"}, "team-b": {"tier": "iron"}, "team-c": {LABEL: "privileged"}}
# Features are words whose own reading knows more than their schema; nothing of them is backend.
SHAPE = replace(spec_shape(), fields={k: v for k, v in spec_shape().fields.items() if k != "features"})
USERS = (
    User(),
    User("jane", ("devs",)),
    User("joe", ()),
    User("max", ("devs", "ops-night")),
    User("system:serviceaccount:builds:robot", ("system:serviceaccounts",)),
)


def pieces(random: Random) -> Tree:
    """A spec of some of the fields that the site's rules are about, several of them in one device."""
    made: Tree = {}
    for _ in range(random.randint(1, 3)):
        part: Tree = {}
        for path, value in random.sample(SAID, random.randint(1, 5)):
            part = _together(part, smallest(path, value))
        made = merged(made, part)
    spec: Tree = renamed(made)
    return spec


def _together(first: Any, second: Any) -> Any:
    """Both specs as one, with their first entries as one entry."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {
            name: _together(first[name], second[name])
            if name in first and name in second
            else {**first, **second}[name]
            for name in {**first, **second}
        }
    if isinstance(first, list) and isinstance(second, list):
        return [_together(first[0], second[0])]
    return second


def together(cases: Iterable[Any], differs: Callable[[Any], str]) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return [said for said in pool.map(differs, cases) if said]


def differing(answer: Answer, expected: set[str], case: object) -> str:
    refused = answer.paths
    if refused == expected or (answer.cut and refused < expected):
        return ""
    return f"only the API server: {refused - expected}, only the engine: {expected - refused}, of {case}"


@dataclass(frozen=True)
class Change:
    """An object that was stored while no policy was in force, and the spec that replaces its own."""

    stored: Tree
    before: Tree
    after: Tree

    @property
    def namespace(self) -> str:
        return str(self.stored["namespace"])


@dataclass(frozen=True)
class Site:
    engine: Engine
    changes: list[Change]


@pytest.fixture(scope="module")
def site(outage: Outage, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site's policies beside the shipped ones, in force; before that, what is changed later is stored."""
    outage.remove()
    for name, labels in TEAMS.items():
        outage.namespace(name, labels)
    changes = [_stored(outage, *pair) for pair in _pairs(300)]
    from_ = loaded(SITE["policies"], tmp_path_factory.mktemp("site"))
    outage.put(exported(from_))
    return Site(from_.engine, changes)


def _stored(outage: Outage, namespace: str, before: Tree, after: Tree) -> Change:
    return Change(outage.store(before, namespace), before, after)


def _pairs(count: int) -> Iterator[tuple[str, Tree, Tree]]:
    """Namespaces, specs, and what becomes of them: half of the fields that rules are about, half of any."""
    random, wild = Random(7), Wild(11)
    for number in range(count):
        before = pieces(random) if number % 2 else wild.tree(SHAPE)
        after = wild.changed(before, SHAPE)
        if number % 6 == 1:
            after = renamed(merged(after, pieces(random)))
        yield random.choice([*NAMESPACED, *TEAMS]), _apart(before), _apart(_kept(before, after))


def _apart(spec: Tree) -> Tree:
    """A spec without the tombstones of devices that are there: a device is there or rests, never both."""
    tombstones, devices = spec.get("abi", {}).get("tombstones"), spec.get("domain", {}).get("devices", {})
    if type(tombstones) is not dict or type(devices) is not dict:
        return spec
    left = {kind: _without(entries, _names(devices.get(kind))) for kind, entries in tombstones.items()}
    return {**spec, "abi": {**spec["abi"], "tombstones": left}}


def _names(entries: object) -> set[object]:
    return {each.get("name") for each in entries if type(each) is dict} if type(entries) is list else set()


def _without(entries: Any, names: set[object]) -> Any:
    if type(entries) is not list:
        return entries
    return [each for each in entries if type(each) is not dict or each.get("name") not in names]


def _kept(before: Tree, after: Tree) -> Tree:
    """A change without what the definition itself refuses: a domain that goes, a UUID that changes."""
    if "domain" not in before:
        return after
    domain = after.get("domain", before["domain"])
    uuid = {k: v for k, v in before["domain"].items() if k == "uuid"}
    return {**after, "domain": {**{k: v for k, v in domain.items() if k != "uuid"}, **uuid}}


def test_random_specs_are_refused_alike_by_the_shipped_policies(outage: Outage, shipped_only: Engine) -> None:
    wild = Wild(5, most=6)

    def differs(spec: Tree) -> str:
        for level in LEVELS:
            expected = judged(shipped_only, spec, outage.request(level))
            if said := differing(outage.ask(spec, level), expected, spec):
                return f"{level}: {said}"
        return ""

    assert together([wild.tree(SHAPE) for _ in range(400)], differs) == []


def test_specs_are_refused_alike_by_a_sites_policies_wherever_and_whoever_asks(outage: Outage, site: Site) -> None:
    random = Random(3)
    cases = [(pieces(random), random.choice([*NAMESPACED, *TEAMS]), random.choice(USERS)) for _ in range(1200)]
    seen = {True: 0, False: 0}

    def differs(case: tuple[Tree, str, User]) -> str:
        spec, namespace, user = case
        answer = outage.ask(spec, namespace, user=user)
        seen[answer.allowed] += 1
        return differing(answer, judged(site.engine, spec, outage.request(namespace, user)), case)

    assert together(cases, differs) == []
    assert min(seen.values()) > 50


def test_a_configurations_spec_is_refused_like_a_vms(outage: Outage, site: Site) -> None:
    random = Random(4)

    def differs(spec: Tree) -> str:
        expected = judged(site.engine, spec, outage.request("team-a"), kind=VM_CONFIG)
        return differing(outage.ask(spec, "team-a", VM_CONFIG), expected, spec)

    assert together([pieces(random) for _ in range(150)], differs) == []


def test_changes_are_refused_alike_with_what_is_stored_left_alone(outage: Outage, site: Site) -> None:
    excused = []

    def differs(change: Change) -> str:
        request = outage.request(change.namespace, operation="UPDATE")
        expected = judged(site.engine, change.after, request, change.before)
        if expected != judged(site.engine, change.after, outage.request(change.namespace)):
            excused.append(change)
        return differing(outage.change(change.stored, change.after), expected, change)

    assert together(site.changes, differs) == []
    assert len(excused) > 50


def test_an_update_that_leaves_the_spec_alone_passes(outage: Outage, site: Site) -> None:
    def differs(change: Change) -> str:
        return outage.change(change.stored, change.before).message

    assert together(site.changes, differs) == []
