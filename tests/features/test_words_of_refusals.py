"""A refusal shows a value as the tenant wrote it, never as Python does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from webhook.declare import inspect
from webhook.features import features_shape
from webhook.features.platform import Site, platform_of
from webhook.findings import Refused

WRONG = [
    True,
    False,
    None,
    0,
    -1,
    1.5,
    10**30,
    "",
    "No",
    "a'b",
    [],
    [True],
    ["x", None],
    [{"name": True}],
    {},
    {"a": None},
]
PYTHON = re.compile(r"\b(True|False|None|dict|NoneType)\b|[\[{(]'|<class|\\x|b'")


@pytest.mark.parametrize("name", sorted(features_shape().fields))
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_no_value_is_shown_as_python_writes_it(name: str, value: Any) -> None:
    for finding in inspect({name: value}, features_shape(), "spec.features").findings:
        assert not PYTHON.search(f"{finding}"), finding


def test_what_features_refuse_is_in_the_tenants_words_too() -> None:
    for system in (
        {"type": "windows", "version": 11, "secureBoot": True, "firmware": "bios"},
        {"arch": "s390x", "machine": "q35"},
    ):
        with pytest.raises(Refused) as refused:
            platform_of({"system": system}, {}, Site(), "2026.1")
        assert not PYTHON.search(str(refused.value)), refused.value
