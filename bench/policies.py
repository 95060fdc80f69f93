"""What policies cost as they become many: the same VM by 10 policies of 20 rules and by 1,000, in several shapes.

Each shape is what some cluster could have: a policy a team, rules about everything, or all about the same few fields.
None of the rules refuses the VM: what is measured is deciding, and not the words of refusals.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, cycle, islice

import yaml

from bench.bodies import EXAMPLE
from bench.phases import least
from webhook.admission.stored import as_stored
from webhook.cli import cost, manifests
from webhook.declare import DeclaredField
from webhook.kinds import KINDS, declared_fields, inspect_spec
from webhook.policy import Engine, Policies, Request, Submission, compile_policies, shipped
from webhook.policy.language.field_content import ANY, ELEMENT, ELEMENTS, FLAG, MEMORY, NUMBER, SET, holding
from webhook.policy.language.selection import decided_with
from webhook.policy.loading.load import check, parse
from webhook.trees import Tree

FEW, MANY, RULES = 10, 1000, 20
# A rule's path and condition, each with another value.
Conditions = Iterator[tuple[str, Tree]]


@dataclass(frozen=True, slots=True)
class Growth:
    """Microseconds of a decision by few and by many policies, and the seconds that the many took to load."""

    few: float
    many: float
    loading: float

    @property
    def ratio(self) -> float:
        return self.many / self.few


def growth(rounds: int) -> dict[str, Growth]:
    """Every shape, few and many."""
    return {name: _growth(shape, rounds) for name, shape in SHAPES.items()}


def examples(seconds: float) -> tuple[cost.Timings, cost.Timings]:
    """Decisions over the examples by the shipped policies, and the calibration."""
    return cost.measured(cost.decided(manifests.read(EXAMPLE.parent), Policies(shipped(), declared_fields())), seconds)


def _growth(shape: Callable[[int], list[Tree]], rounds: int) -> Growth:
    few = least(_decisions(_engine(shape(FEW))), rounds)
    began = time.perf_counter()
    engine = _engine(shape(MANY))
    loading = time.perf_counter() - began
    return Growth(few, least(_decisions(engine), rounds), loading)


def _engine(policies: list[Tree]) -> Engine:
    """The policies as from files: written, read and checked."""
    made = []
    for policy in (_PERMITTING, *policies):
        text = yaml.dump(policy, Dumper=yaml.CSafeDumper).encode() + b"...\n"
        read_now, findings = parse(text, f"bench/{policy['metadata']['name']}.yaml", declared_fields())
        assert not findings, findings[0]
        made += read_now
    wrong = check(made, declared_fields())
    assert not wrong, wrong[0]
    return compile_policies(made, declared_fields())


def _decisions(engine: Engine) -> Callable[[], object]:
    """One VM that says little and one that says much of the backend, each decided for the same namespace."""
    request = Request(namespace="team-7", user="jane", groups=("devs",))
    looked = [Submission(spec, inspect_spec(spec, "spec").marks) for spec in _specs()]

    def decide() -> None:
        for each in looked:
            engine.decide(each, request)

    assert not any(engine.decide(each, request).findings for each in looked)
    return decide


@cache
def _specs() -> list[Tree]:
    from bench.bodies import context

    used = context()
    files = (EXAMPLE, EXAMPLE.with_name("proposal-domain-backend.yaml"))
    return [as_stored(yaml.safe_load(file.read_text()), KINDS["VM"], used)["spec"] for file in files]


# The VMs say things of the backend. With a refusal for each, the words of refusals would cost more than deciding.
_PERMITTING: Tree = {
    "apiVersion": "policy.vmconfig.kubevirt.io/v1",
    "kind": "Policy",
    "metadata": {"name": "permitting"},
    "rules": [{"name": "all", "permit": {"class": "backend"}}],
}


def _policies(number: int, conditions: Conditions, match: Callable[[int], Tree] = lambda _: {}) -> list[Tree]:
    return [
        {
            "apiVersion": "policy.vmconfig.kubevirt.io/v1",
            "kind": "Policy",
            "metadata": {"name": f"policy-{index}"},
            **match(index),
            "rules": [_rule(name, *each) for name, each in enumerate(islice(conditions, RULES))],
        }
        for index in range(number)
    ]


def _rule(name: int, path: str, when: Tree) -> Tree:
    return {"name": f"rule-{name}", "forbid": {"path": path}, "when": when}


def _spread() -> Conditions:
    """All declared paths in turn, as far as a condition can be on them that no VM of ours meets."""
    usable = [(place, when) for place in declared_fields().values() if (when := _never(place)) is not None]
    # In an order of its own, so that few rules are as spread as many.
    random.Random(1).shuffle(usable)
    for number, (place, when) in zip(count(), cycle(usable), strict=False):
        yield place.path, when(number)


def _never(place: DeclaredField) -> Callable[[int], Tree] | None:
    """A condition on the place by number, if there is one that takes any number."""
    kind = holding(place.field)
    if decided_with(place.path, declared_fields()):
        return None
    if kind in (NUMBER, MEMORY):
        return lambda number: {"above": 10**12 + number}
    if kind in (ANY, ELEMENT, ELEMENTS, SET, FLAG):
        return None
    return lambda number: {"matches": f"never-{number}-.*"}


_SAME: tuple[tuple[str, Callable[[int], Tree]], ...] = (
    ("domain.vcpu.count", lambda number: {"above": 10**6 + number}),
    ("domain.memory.size", lambda number: {"above": 10**12 + number}),
    ("domain.devices.disks[*].claim", lambda number: {"in": [f"never-{number}"]}),
    ("domain.devices.disks[*].serial", lambda number: {"matches": f"never-{number}-.*"}),
    ("domain.devices.interfaces[*].network", lambda number: {"in": [f"never-{number}", f"not-{number}"]}),
)


def _same() -> Conditions:
    """The same few paths again and again, all of them in the VM."""
    for number, (path, when) in zip(count(), cycle(_SAME), strict=False):
        yield path, when(number)


def _backend() -> Conditions:
    """The same few paths of backend fields, which the VM says."""
    paths: Iterable[tuple[str, Callable[[int], Tree]]] = (
        ("domain.devices.disks[*].source.file", lambda number: {"matches": f"/never/{number}/.*"}),
        ("domain.devices.interfaces[*].source.bridge", lambda number: {"in": [f"never-{number}"]}),
        ("domain.devices.graphics[*].port", lambda number: {"above": 10**6 + number}),
    )
    for number, (path, when) in zip(count(), cycle(paths), strict=False):
        yield path, when(number)


def _own(index: int) -> Tree:
    return {"match": {"namespaces": {"names": [f"team-{index}"]}}}


SHAPES: dict[str, Callable[[int], list[Tree]]] = {
    "each for a namespace of its own": lambda number: _policies(number, _same(), _own),
    "everywhere, about all declared paths": lambda number: _policies(number, _spread()),
    "everywhere, about the same few paths": lambda number: _policies(number, _same()),
    "everywhere, about the same backend paths": lambda number: _policies(number, _backend()),
}
