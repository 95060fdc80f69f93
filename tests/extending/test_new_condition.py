"""A condition is one file of the language: one that it does not have, and no other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import vmconfig
from tests.extending.overlay import Called, call, overlay, policy, vm, written

LINUX = {"system": {"type": "linux"}}
TITLE = {"path": "domain.title"}


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Called]:
    service = overlay(tmp_path_factory.mktemp("condition"), "ends_with.py")

    def folder(name: str, *rules: dict[str, object]) -> str:
        whole = service / name
        whole.mkdir()
        for level in ("restricted", "baseline", "privileged"):
            (whole / f"{level}.yaml").symlink_to(service / "policies" / level / "policy.yaml")
        written(whole / "site.yaml", policy(*rules))
        return str(whole)

    images = folder("good", {"name": "images", "forbid": TITLE, "when": {"ends-with": ".img"}})
    never = {"ends-with": ".img", "in": ["a", "b"]}
    refused, allowed = (
        written(service / f"{title}.yaml", vm(features=LINUX, domain={"title": title})) for title in ("a.img", "a")
    )
    calls = {
        "load": ["policy", "check", images],
        "wrong": ["policy", "check", folder("bad", {"name": "n", "forbid": TITLE, "when": {"ends-with": 4}})],
        "never": ["policy", "check", folder("never", {"name": "n", "forbid": TITLE, "when": never})],
        "refused": ["check", "-o", "json", refused, "--policies", images],
        "allowed": ["check", "-o", "json", allowed, "--policies", images],
        "explain": ["policy", "explain", refused, "--policies", images],
        "schema": ["policy", "schema"],
        "export": ["policy", "export", "--vap", images],
    }
    return dict(zip(calls, call(service, *calls.values()), strict=True))


def test_a_policy_file_has_it_and_refuses_by_it_in_its_words(called: dict[str, Called]) -> None:
    assert called["load"].code == 0, called["load"].out
    (finding,) = called["refused"].tree
    assert finding["path"] == "spec.domain.title"
    assert finding["problem"] == "`a.img` ends with `.img`"
    assert finding["rule"].startswith("site/images")
    assert "site/images" in called["explain"].out


def test_it_does_not_refuse_what_it_does_not_hold_of(called: dict[str, Called]) -> None:
    assert (called["allowed"].code, called["allowed"].tree) == (0, [])


def test_what_it_cannot_mean_is_refused_by_its_own_check(called: dict[str, Called]) -> None:
    assert called["wrong"].code == 1
    assert "ends-with is `4`, expected the end of a text" in called["wrong"].out


def test_the_lint_knows_when_it_never_holds(called: dict[str, Called]) -> None:
    assert called["never"].code == 1
    assert "no value meets all conditions of `site/n`" in called["never"].out


def test_editors_know_it_by_the_schema(called: dict[str, Called]) -> None:
    when = called["schema"].tree["$defs"]["rule"]["properties"]["when"]["properties"]
    assert when["ends-with"]["description"] == "the value ends with this"


def test_the_api_server_gets_its_formula(called: dict[str, Called]) -> None:
    assert ".endsWith('.img')" in called["export"].out


def test_there_is_none_without_its_file(tmp_path: Path) -> None:
    written(tmp_path / "site.yaml", policy({"name": "n", "forbid": TITLE, "when": {"ends-with": ".img"}}))
    assert "`ends-with`" in vmconfig("policy", "check", str(tmp_path)).stdout
