"""Reading an inspected tree: the same model as pydantic's own, which checks a second time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tests.features.cases import features_of, load
from webhook.declare import inspect
from webhook.features import Features, features_shape
from webhook.features.reading import reader

TREES = [features_of(name, case) for name, case in load()]
REFUSED = [tree for tree in TREES if inspect(tree, features_shape(), "spec.features").findings]
ACCEPTED = [tree for tree in TREES if tree not in REFUSED]


def test_an_accepted_tree_reads_as_pydantic_reads_it() -> None:
    for tree in ACCEPTED:
        assert _values(reader(Features)(tree)) == _values(Features.model_validate(tree))


@pytest.mark.parametrize("tree", REFUSED, ids=str)
def test_a_tree_that_the_shape_refuses_does_not_pass_pydantic_either(tree: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Features.model_validate(tree)


def _values(value: Any) -> Any:
    if isinstance(value, list):
        return [_values(item) for item in value]
    return {key: _values(item) for key, item in vars(value).items()} if isinstance(value, BaseModel) else value
