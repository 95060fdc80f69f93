"""A list that outlives its moment: the API server's 410, which takes minutes to come about, is played here."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiException

from webhook.cluster.api import Unanswered, asking, pages


def page(names: list[str], token: str = "") -> Any:
    return SimpleNamespace(data=json.dumps({"metadata": {"continue": token}, "items": names}).encode())


def expired(body: Any) -> ApiException:
    error = ApiException(status=410, reason="Gone")
    error.body = body
    return error


def answering(*answers: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A list call that gives these answers, and what it was asked."""
    left, asked = list(answers), list[dict[str, Any]]()

    def ask(**wanted: Any) -> Any:
        asked.append(wanted)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, asked


def test_a_list_that_has_expired_goes_on_with_what_is_there_now() -> None:
    body = json.dumps({"reason": "Expired", "metadata": {"continue": "later"}})
    ask, asked = answering(page(["a"], "more"), expired(body), page(["b"]))
    assert list(pages(ask, plural="vms")) == ["a", "b"]
    assert [each.get("_continue") for each in asked] == [None, "more", "later"]
    assert all(each["plural"] == "vms" and each["limit"] for each in asked)


@pytest.mark.parametrize("body", ["{}", "no json", None, '{"metadata": {"continue": 1}}'])
def test_an_expiry_without_a_way_on_is_an_error(body: Any) -> None:
    ask, _ = answering(page(["a"], "more"), expired(body))
    with pytest.raises(Unanswered, match="vms: the API server answers 410 Gone"), asking("vms"):
        list(pages(ask))
