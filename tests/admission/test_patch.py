"""The patch: jsonpatch, the oracle, makes of it what it was built for, and it says no more than that."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.patch import diff, patched
from webhook.declare.tree import copied

LEAVES = st.one_of(st.booleans(), st.integers(0, 3), st.text("ab/~", max_size=3))
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcdefgh")}, optional={"x": LEAVES, "y": LEAVES}),
    max_size=5,
    unique_by=lambda entry: entry["name"],
)
TREES = st.dictionaries(
    st.text("ab/~", min_size=1, max_size=3),
    st.recursive(st.one_of(LEAVES, NAMED), lambda inner: st.dictionaries(st.text("ab", min_size=1), inner, max_size=3)),
    max_size=4,
)


@given(TREES, TREES)
def test_the_patch_makes_the_new_tree_of_the_old_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = copied(old)
    made = jsonpatch.apply_patch({"spec": old}, diff(old, new, "/spec"))
    assert made == {"spec": new} == patched({"spec": old}, diff(old, new, "/spec"))
    assert old == before


@given(TREES)
def test_a_tree_that_did_not_change_needs_no_patch(tree: dict[str, Any]) -> None:
    assert diff(tree, copied(tree), "/spec") == []


@pytest.mark.parametrize(
    ("old", "new", "operations"),
    [
        pytest.param(
            {"a": 1}, {"a": 1, "b": {"c": 2}}, [("add", "/spec/b")], id="what is new is added whole, not leaf by leaf"
        ),
        pytest.param(
            {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, [("add", "/spec/a/c")], id="what was there is not said again"
        ),
        pytest.param(
            {"l": [{"name": "a"}, {"name": "b"}]},
            {"l": [{"name": "b"}]},
            [("remove", "/spec/l/0")],
            id="an entry that is gone is removed alone",
        ),
        pytest.param(
            {"l": [{"name": "a"}]},
            {"l": [{"name": "a"}, {"name": "b"}]},
            [("add", "/spec/l/-")],
            id="an entry that is new is appended",
        ),
        pytest.param(
            {"l": [{}]}, {"l": [{"name": "a"}]}, [("add", "/spec/l/0/name")], id="an entry without a name gets its name"
        ),
        pytest.param({"a/b~": 1}, {"a/b~": 2}, [("replace", "/spec/a~1b~0")], id="slash and tilde are escaped"),
        pytest.param({"a": True}, {"a": 1}, [("replace", "/spec/a")], id="one is not true"),
    ],
)
def test_patch(old: dict[str, Any], new: dict[str, Any], operations: list[tuple[str, str]]) -> None:
    assert [(made["op"], made["path"]) for made in diff(old, new, "/spec")] == operations
