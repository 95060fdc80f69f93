"""Reading an inspected tree: the same model as pydantic's own, which checks a second time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tests.features.feature_cases import features_of, load
from webhook.declare import Element, inspect
from webhook.declare.element import fields_of
from webhook.declare.model import model_of
from webhook.features import Features, features_shape
from webhook.features.reading import reader

TREES = [features_of(name, case) for name, case in load()]
REFUSED = [tree for tree in TREES if inspect(tree, features_shape(), "spec.features").findings]
ACCEPTED = [tree for tree in TREES if tree not in REFUSED]


def test_an_accepted_tree_reads_as_pydantic_reads_it() -> None:
    for tree in ACCEPTED:
        assert _values(reader(Features)(tree)) == _values(model_of(Features).model_validate(tree))


@pytest.mark.parametrize("tree", REFUSED, ids=str)
def test_a_tree_that_the_shape_refuses_does_not_pass_pydantic_either(tree: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model_of(Features).model_validate(tree)


def test_what_nobody_said_reads_as_none() -> None:
    wanted = reader(Features)({"storage": [{"source": "my-disk"}]})
    assert wanted.storage[0].source == "my-disk"
    assert (wanted.memory, wanted.storage[0].boot_order) == (None, None)


def test_what_was_read_cannot_be_changed() -> None:
    wanted = reader(Features)({"memory": 4096})
    with pytest.raises(AttributeError, match="memory cannot be set"):
        wanted.memory = 8192


def _values(value: Any) -> Any:
    if isinstance(value, list):
        return [_values(item) for item in value]
    if isinstance(value, Element):
        return {name: _values(getattr(value, name)) for name in fields_of(type(value))}
    return {name: _values(item) for name, item in vars(value).items()} if isinstance(value, BaseModel) else value
