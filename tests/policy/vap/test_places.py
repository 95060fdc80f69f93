"""Every declared backend field, each alone: refused with its class where nobody permits it, else allowed.

The fields come from the declarations: one that is declared tomorrow is asked about tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.policy.vap.api_server import Outage, judged
from tests.policy.vap.trees import backends, named
from webhook.kinds import VM_CONFIG
from webhook.policy import Engine

ALL = list(backends())
ONE_OF_EACH = list({kind: (path, kind, spec) for path, kind, spec in ALL}.values())
Asked = tuple[str, str, dict]


def told(asked: Iterable[Asked], wrong: Callable[[Asked], str]) -> list[str]:
    """What is wrong with each, some at a time."""
    with ThreadPoolExecutor(4) as pool:
        return [said for said in pool.map(wrong, asked) if said]


def test_there_are_many_of_every_class() -> None:
    assert len(ALL) > 2000
    assert len(ONE_OF_EACH) == 11


@pytest.mark.usefixtures("shipped_only")
def test_the_restricted_level_refuses_every_one_with_its_class(outage: Outage) -> None:
    def wrong(asked: Asked) -> str:
        path, kind, spec = asked
        refused = outage.ask(spec, "restricted").refused
        return "" if f"spec.{named(path, spec)} ({kind})" in refused else f"{path} ({kind}): {refused}"

    assert told(ALL, wrong) == []


@pytest.mark.parametrize("level", ["baseline", "privileged"])
def test_another_level_refuses_just_what_the_service_would(outage: Outage, shipped_only: Engine, level: str) -> None:
    allowed = []

    def wrong(asked: Asked) -> str:
        path, kind, spec = asked
        expected = judged(shipped_only, spec, outage.request(level))
        refused = outage.ask(spec, level).paths
        if not refused:
            allowed.append(kind)
        return "" if refused == expected else f"{path} ({kind}): {refused ^ expected}"

    assert told(ALL, wrong) == []
    assert len(set(allowed)) == {"baseline": 1, "privileged": 9}[level]


@pytest.mark.parametrize("namespace", ["plain", "odd"])
@pytest.mark.usefixtures("shipped_only")
def test_a_namespace_of_no_known_level_is_restricted(outage: Outage, namespace: str) -> None:
    assert told(ONE_OF_EACH, lambda asked: "" if outage.ask(asked[2], namespace).refused else asked[0]) == []


@pytest.mark.usefixtures("shipped_only")
def test_a_namespace_that_is_left_out_is_not_asked_about(outage: Outage) -> None:
    assert told(ONE_OF_EACH, lambda asked: outage.ask(asked[2], "kube-system").message) == []


@pytest.mark.usefixtures("shipped_only")
def test_a_configuration_is_refused_like_a_vm(outage: Outage) -> None:
    def wrong(asked: Asked) -> str:
        path, kind, spec = asked
        refused = outage.ask(spec, "restricted", VM_CONFIG).refused
        return "" if f"spec.template.spec.{named(path, spec)} ({kind})" in refused else f"{path}: {refused}"

    assert told(ALL[::7], wrong) == []
