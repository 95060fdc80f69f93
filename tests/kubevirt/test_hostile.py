"""Hostile bodies: whatever JSON stands anywhere in an object, there is an answer, and what is odd does not pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.conftest import Of
from tests.kubevirt.objects import around, manifest, review
from tests.kubevirt.planting import planted
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.review import answer
from webhook.kubevirt.api import KINDS
from webhook.trees import Tree

NAMES = st.sampled_from(["name", "spec", "template", "metadata", "annotations", "domain", "devices", "pod", "bridge"])
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = NAMES | st.text(max_size=6) | st.sampled_from(["a.b", "a[0]", "a[x]", "[", "]", "", "."])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
WORDS = st.sampled_from(["add", "replace", "copy", "/spec", "/a/-/b", "/spec/template/spec/networks/0"])
PATCHES = st.dictionaries(st.sampled_from(["op", "path", "value", "from"]), JSON | WORDS, max_size=4)
TEMPLATES = {"dataVolumeTemplates": [{"spec": {"source": {"blank": {}}}}]}
LABELLED = {"annotations": {"a": "b"}, "labels": {"c": "d"}}
WHOLE = around("VirtualMachinePool", MACHINE, TEMPLATES, LABELLED)


def places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*way, key)
        yield from places(value, (*way, key))


PLACES = [way for way in places(WHOLE) if way[0] == "spec"]


@settings(max_examples=400, deadline=None)
@given(way=st.sampled_from(PLACES), value=JSON, old=JSON)
def test_any_json_at_any_place_has_an_answer(context: Of, way: tuple[Any, ...], value: Any, old: Any) -> None:
    obj = planted(WHOLE, way, value)
    for stored in (None, WHOLE, planted(WHOLE, way, old)):
        verdict = validate_kubevirt(review(obj, stored), context())
        assert orjson.loads(answer("1", verdict))["response"]["allowed"] is verdict.allowed


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), spec=JSON, metadata=JSON)
def test_any_json_as_an_object_has_an_answer(context: Of, kind: str, spec: Any, metadata: Any) -> None:
    obj = {"kind": kind, "metadata": metadata, "spec": spec}
    plain = review({"metadata": {}}, kind=kind)
    for mode in ("enforce", "audit"):
        answer("1", validate_kubevirt(review_with(plain, obj), context(mode=mode)))
        answer("1", validate_kubevirt(review_with(plain, spec), context(mode=mode)))


def review_with(plain: Any, obj: Any) -> Any:
    return replace(plain, object=obj)


@settings(max_examples=300, deadline=None)
@given(patches=st.lists(PATCHES | JSON, max_size=4))
def test_any_patches_have_an_answer(context: Of, patches: list[Any]) -> None:
    texts = [
        each if isinstance(each, str) else orjson.dumps(each, option=orjson.OPT_NON_STR_KEYS).decode()
        for each in patches
    ]
    answer("1", validate_kubevirt(review(manifest("VirtualMachineClone", {"patches": [*texts, *patches]})), context()))


@pytest.mark.parametrize("value", [7, "x", [1], [[]], True])
def test_a_value_of_another_form_than_an_element_is_refused(context: Of, value: Any) -> None:
    way = ("spec", "virtualMachineTemplate", "spec", "template", "spec", "domain", "devices")
    assert not validate_kubevirt(review(planted(WHOLE, way, value)), context()).allowed


def test_no_secret_that_stands_in_an_object_is_told(context: Of) -> None:
    secret = "hunter2-Zq81"
    volumes = [{"name": "init", "cloudInitNoCloud": {"userData": secret, "networkDataBase64": secret, secret: secret}}]
    annotations = {"kubevirt.io/ignitiondata": secret, "hooks.kubevirt.io/hookSidecars": secret}
    spec = {**MACHINE, "volumes": volumes, "livenessProbe": {"exec": {"command": [secret]}}}
    for level in ("restricted", "baseline"):
        verdict = validate_kubevirt(
            review(around("VirtualMachine", spec, {}, {"annotations": annotations})), context(level)
        )
        told = "".join(f"{each.problem}{each.help}" for each in verdict.findings)
        assert verdict.findings
        assert secret not in told


def test_many_operations_of_patches_and_deep_ones_are_findings(context: Of) -> None:
    remove = '{"op": "remove", "path": "/metadata/labels/a"}'
    for patches in ([remove] * 300, [f"[{','.join([remove] * 300)}]"], [f"[{remove},{remove}]"] * 150):
        many = manifest("VirtualMachineClone", {"patches": patches})
        [finding] = validate_kubevirt(review(many), context()).findings
        assert finding.problem == "has more than 256 operations"
    assert validate_kubevirt(review(manifest("VirtualMachineClone", {"patches": [remove] * 256})), context()).allowed
    deep = manifest(
        "VirtualMachineClone", {"patches": [orjson.dumps({"op": "add", "path": "/a" * 100, "value": 1}).decode()]}
    )
    [finding] = validate_kubevirt(review(deep), context()).findings
    assert "is deeper than an object is" in finding.problem


@pytest.mark.parametrize("name", ["example.com/gpu", "a.b", "a[0]", "a[x]", "", "]", "new"])
def test_an_unknown_field_of_any_name_is_refused_where_it_comes_by_an_update(context: Of, name: str) -> None:
    def limited(more: Tree) -> Tree:
        domain = {**MACHINE["domain"], "resources": {"limits": {"memory": "2Gi", **more}}}
        return around("VirtualMachine", {**MACHINE, "domain": domain}, {}, {})

    assert validate_kubevirt(review(limited({}), around("VirtualMachine", MACHINE, {}, {})), context()).allowed
    for stored in (limited({}), limited({name: 2})):
        assert not validate_kubevirt(review(limited({name: 1}), stored), context()).allowed
