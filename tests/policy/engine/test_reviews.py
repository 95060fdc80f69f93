"""Policy in both halves of admission: what of a review reaches the policies, and what of their answer the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import TODAY, policies
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import completed
from webhook.admission.review import Review, Verdict
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.features.platform import Site
from webhook.findings import MOST
from webhook.kinds import VM, declared_fields
from webhook.policy import Engine, compile_policies
from webhook.trees import Tree

CASES = yaml.load((Path(__file__).parent / "reviews.yaml").read_text(), yaml.CSafeLoader)
EXAMPLE = Path(__file__).parents[3] / "examples" / "ubuntu-server.yaml"
GENERAL_CLASSES = {"validate": validate, "mutate": mutate}


@dataclass
class Fixed:
    """Policies that come from no folder."""

    engine: Engine


def context(
    said: list[Tree], labels: Mapping[str, Mapping[str, str]] | None = None, site: Site | None = None
) -> AdmissionContext:
    engine = compile_policies(policies(said, declared_fields()), declared_fields(), today=lambda: TODAY)
    fixed: Any = Fixed(engine)
    known = labels or {}
    return AdmissionContext(policies=fixed, site=site or Site(), labels=lambda namespace: known.get(namespace, {}))


@cache
def complete() -> Tree:
    """A complete spec with nothing of the host."""
    written = yaml.load(EXAMPLE.read_text(), yaml.CSafeLoader)
    spec: Tree = completed(written, VM, context([]))["spec"]
    return spec


def laid(over: Tree, tree: Tree) -> Tree:
    """A tree with another over it; null takes away."""
    for name, value in over.items():
        if value is None:
            tree.pop(name)
        elif isinstance(value, dict) and isinstance(tree.get(name), dict):
            laid(value, tree[name])
        else:
            tree[name] = value
    return tree


def vm(case: Tree, word: str, spec: str, status: str) -> Tree | None:
    """The object of a case under these words; None where it has none."""
    if word not in case and spec not in case:
        return None
    made = {"spec": case[spec] if spec in case else laid(case[word], copied(complete()))}
    return {**made, **({"status": case[status]} if status in case else {})}


def review(case: Tree) -> Review:
    asked: Tree = {"operation": "CREATE", "kind": "VM", "namespace": "default", "user": "", "subresource": ""}
    asked |= case.get("request", {})
    return Review(
        uid="1",
        name="web",
        dry_run=False,
        groups=tuple(asked.pop("groups", ())),
        object=vm(case, "object", "spec", "status"),
        old_object=vm(case, "stored", "stored-spec", "stored-status"),
        **asked,
    )


# The end of a warning that tells what an update changes, which no policy decides.
CHANGE = re.compile(r" \((none|hotplug|reboot|guest-breaking): [^()]*\)$")


def told(verdict: Verdict) -> Tree:
    """A verdict in a case's words."""
    return {
        "allowed": verdict.allowed,
        "refused": [{"path": each.path, "rule": each.rule.split(" ")[0]} for each in verdict.findings],
        "warned": [text[: text.index(": ")] for text in verdict.warnings if not CHANGE.search(text)],
        "audited": [{"path": each.path, "rule": each.rule.split(" ")[0]} for each in verdict.audits],
    }


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: Tree) -> None:
    policies_said = case.get("policies", [{"rules": case["rules"]}] if "rules" in case else [])
    known = context(policies_said, case.get("labels"), Site(**case.get("site", {})))
    for field_class in GENERAL_CLASSES.keys() & case.keys():
        said = case[field_class]
        verdict = GENERAL_CLASSES[field_class](review(case), known)
        expected = {"allowed": "refused" not in said, "refused": [], "warned": [], "audited": []}
        texts = said.get("texts", [])
        assert [
            text if text in f"{each}\n" else str(each) for text, each in zip(texts, verdict.findings, strict=False)
        ] == texts
        assert told(verdict) == {**expected, **{word: said[word] for word in expected.keys() & said.keys()}}
        assert bool(verdict.patch) is said.get("patch", False)


LONG = 600  # more entries than a list of devices may have
DISKS = [{"name": f"d{number}", "driver": {"cache": "none"}} for number in range(LONG)]


LONG_LISTS = {
    "devices.disks": {"devices": {"disks": DISKS}},
    "devices.graphics[0].channels": {"devices": {"graphics": [{"name": "g", "channels": [{"name": "main"}] * LONG}]}},
}


def test_policies_are_not_asked_about_a_list_without_end() -> None:
    """Its walk would cost the time of others; the review is refused for the list, whatever comes after it."""
    after = {"os": {"acpiTables": [{"path": "/x"}]}, "vcpu": {"placement": "auto"}}
    for path, long in LONG_LISTS.items():
        verdict = validate(review({"spec": {"domain": {**long, **after}}}), context([]))
        assert told(verdict)["refused"] == [{"path": f"spec.domain.{path}", "rule": "shape"}]


def update(stored: Tree, spec: Tree) -> list[Verdict]:
    """What both webhooks say of an update from one spec to another."""
    asked = review({"request": {"operation": "UPDATE"}, "stored-spec": stored, "spec": spec})
    return [half(asked, context([])) for half in (mutate, validate)]


def test_what_is_stored_without_meaning_is_left_out_wherever_it_stands() -> None:
    stored = copied(complete())
    domain = stored["domain"]
    for tree in (stored, domain, domain["memory"], domain["devices"], *domain["devices"]["disks"]):
        tree["odd"] = {"odd": 1}
    assert [verdict.allowed for verdict in update(stored, complete())] == [True, True]


def test_what_is_stored_beside_it_is_compared_as_ever() -> None:
    stored = laid({"odd": 1}, copied(complete()))
    spec = laid({"domain": {"uuid": "00000000-0000-4000-8000-000000000000"}}, copied(complete()))
    spec["domain"]["devices"]["disks"][0]["serial"] = "another"
    found = [[(each.path, each.problem) for each in verdict.findings] for verdict in update(stored, spec)]
    assert found == [[(each.path, each.problem) for each in verdict.findings] for verdict in update(complete(), spec)]
    assert {path for path, _ in found[1]} == {"spec.domain.uuid", "spec.domain.devices.disks[0].serial"}


def test_what_is_malformed_beside_it_is_a_finding() -> None:
    for path, part in (
        ("uuid", {"uuid": {"odd": 1}}),
        ("memory", {"memory": 5}),
        ("devices.disks", {"devices": {"disks": {"name": "a"}}}),
        ("devices.disks", {"devices": {"disks": 5}}),
        ("memory", {"memory": [{"size": 5}]}),
    ):
        for verdict in update({"domain": {**part, "odd": 1}}, complete()):
            assert told(verdict)["refused"] == [{"path": f"spec.domain.{path}", "rule": "stored"}]


def test_policies_are_not_asked_about_a_stored_list_without_end_either() -> None:
    for path, long in LONG_LISTS.items():
        case = {"request": {"operation": "UPDATE"}, "stored-spec": {"domain": long}}
        verdict = validate(review({**case, "object": {"domain": {"vcpu": {"placement": "auto"}}}}), context([]))
        assert told(verdict)["refused"] == [{"path": f"spec.domain.{path}", "rule": "stored"}]


def unknown(count: int) -> Tree:
    """A domain with so many fields that the API does not know."""
    return {f"x{number}": 1 for number in range(count)}


def hosting(count: int) -> Tree:
    """A domain with so many backend fields, in a disk each."""
    return {"devices": {"disks": DISKS[:count]}}


def written(**status: Tree) -> Review:
    """A review of a status that is written beside a complete VM."""
    return review({"request": {"operation": "UPDATE", "subresource": "status"}, "object": {}, "status": status})


def test_a_status_with_more_findings_than_anybody_reads_says_that_there_are_more() -> None:
    for make in (unknown, hosting):
        assert not validate(written(current=make(MOST)), context([])).cut
        verdict = validate(written(current=make(MOST + 1)), context([]))
        assert (len(verdict.findings), verdict.cut) == (MOST, True)
        assert validate(written(desired=make(MOST + 1), current={"title": "t"}), context([])).cut


def test_a_vm_with_as_many_mistakes_as_anybody_reads_says_whether_policies_refuse_more() -> None:
    for more, cut in (({"vcpu": {"placement": "auto"}}, True), ({"title": "t"}, False)):
        for half in GENERAL_CLASSES.values():
            verdict = half(review({"spec": {"domain": {**unknown(MOST), **more}}}), context([]))
            assert (len(verdict.findings), verdict.cut) == (MOST, cut)


def test_no_more_is_warned_of_or_logged_than_anybody_reads() -> None:
    rules = [{"name": "c", "forbid": {"path": "domain.devices.disks[*].driver.cache"}}]
    for mode, count in (("warn", "warnings"), ("audit", "audits")):
        known = context(
            [
                {"metadata": {"name": "all"}, "rules": [{"name": "p", "permit": {"class": "io-tuning"}}]},
                {"metadata": {"name": "few"}, "mode": mode, "rules": rules},
            ]
        )
        verdict = validate(written(current=hosting(MOST + 1)), known)
        assert verdict.allowed
        assert len(getattr(verdict, count)) == MOST
