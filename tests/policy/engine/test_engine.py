"""What holds of every decision: unknown classes of field are covered, nothing raises, forbidding never weakens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.policy.context import PLACES, decide, engine, policies, refused
from webhook.declare import (
    BACKEND_KINDS,
    SECRET_KINDS,
    DeclaredField,
    Element,
    backend,
    frontend,
    inspect,
    shape_of,
    text,
    walk,
)
from webhook.domain import domain_shape
from webhook.findings import Refused
from webhook.policy import Request, Submission, compile_policies
from webhook.policy.engine.messages import DEFAULT_DENY, texts
from webhook.policy.language.conditions import Condition
from webhook.policy.language.cross_field import FieldLocation, guard
from webhook.policy.language.model import CLASSES, Policy
from webhook.policy.language.scope import glob
from webhook.policy.language.selection import possible

# Strategies are made where they are drawn from: plain functions of this module are asked by many processes (mutants/).
SPECS = st.deferred(lambda: st.fixed_dictionaries({"domain": strategies.trees(domain_shape())}))
ODD = st.deferred(lambda: strategies.JSON | strategies.mutated(SPECS))
RULES = [
    {"name": "tuning", "permit": {"class": "io-tuning"}},
    {"name": "paths", "permit": {"class": "host-path"}, "when": {"matches": "/.*"}},
    {"name": "listen", "permit": {"path": "domain.devices.graphics[*].listen"}},
    {"name": "cpu", "deny": {"path": "domain.cpu.mode"}, "when": {"not-in": ["custom"]}},
    {"name": "title", "deny": {"path": "domain.title"}, "when": {"matches": ".*x.*"}},
    {"name": "memory", "forbid": {"path": "domain.memory.size"}, "when": {"above": "64Gi"}},
    {"name": "vcpus", "forbid": {"path": "domain.vcpu.count"}, "when": {"below": 2}},
    {"name": "disks", "forbid": {"path": "domain.devices.disks[*]"}, "when": {"count-above": 1}},
    {"name": "serials", "forbid": {"path": "domain.devices.disks[*].serial"}, "when": {"present": False}},
    {"name": "boot", "forbid": {"path": "domain.os.secureBoot"}, "when": {"present": False}},
    {"name": "tpm", "forbid": {"path": "domain.devices.tpm"}},
    {"name": "claims", "forbid": {"class": "reference"}, "when": {"in": ["a"]}},
    {"name": "goals", "forbid": {"class": "goal", "path": "domain.goals"}},
    {"name": "ports", "forbid": {"class": "host-port"}},
]
ENGINE = engine([{"rules": RULES}])


def paths(said: list[dict[str, Any]] | list[Policy], spec: Any, request: Request) -> set[str]:
    known = [each if isinstance(each, Policy) else policies([each])[0] for each in said]
    return {each["path"] for each in refused(decide(compile_policies(known, PLACES), spec, request))}


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(ODD, ODD | st.none(), st.sampled_from(["CREATE", "UPDATE", ""]))
def test_no_spec_raises(spec: Any, stored: Any, operation: str) -> None:
    for finding in decide(ENGINE, spec, Request(operation=operation), stored).findings:
        assert finding.path.startswith("spec.")
        assert finding.problem
        assert "\n" not in finding.problem + finding.help


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(SPECS, st.integers(0, len(RULES) - 1), st.sampled_from(["deny", "forbid"]), st.booleans())
def test_a_policy_that_forbids_never_weakens(spec: Any, number: int, effect: str, first: bool) -> None:
    rule = RULES[number]
    target = rule.get("permit") or rule.get("deny") or rule.get("forbid")
    extra = {"name": "more", effect: target, **({"when": rule["when"]} if "when" in rule else {})}
    more: dict[str, Any] = {"metadata": {"name": "more"}, "rules": [extra]}
    before: list[dict[str, Any]] = [{"rules": RULES}]
    after: list[dict[str, Any]] = [more, *before] if first else [*before, more]
    assert paths(before, spec, Request()) <= paths(after, spec, Request())


@pytest.mark.thorough
@settings(max_examples=100, deadline=None)
@given(SPECS, st.permutations(range(len(RULES))))
def test_the_order_of_rules_decides_nothing(spec: Any, order: list[int]) -> None:
    shuffled = [{"rules": [RULES[number] for number in order]}]
    assert paths([{"rules": RULES}], spec, Request()) == paths(shuffled, spec, Request())


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(SPECS)
def test_without_policies_every_backend_field_is_refused_and_nothing_else(spec: Any) -> None:
    marks = inspect(spec["domain"], domain_shape(), "spec.domain").marks
    backends = [mark.path for mark in marks if type(mark.field_class).__name__ == "Backend"]
    assert [each["path"] for each in refused(decide(engine([]), spec))] == backends


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(SPECS)
def test_an_update_that_changes_nothing_of_named_devices_is_not_refused(spec: Any) -> None:
    assert decide(ENGINE, spec, Request(operation="UPDATE"), stored=spec).findings == []


@settings(max_examples=300, deadline=None)
@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_glob_means_what_a_shell_means(pattern: str, name: str) -> None:
    assert glob(pattern, name) == fnmatchcase(name, pattern)


class Passed(Element, tag="hostdev", key="name"):
    """A backend device that no policy knows yet."""

    name: Annotated[str, text(20)] | None = frontend()
    node: Annotated[str, text(20)] | None = frontend()


class Filed(Element, tag="log"):
    """A backend element of which every field is backend by itself."""

    file: Annotated[str, text(20)] | None = backend("host-path")


class Hosting(Element, tag="devices"):
    """Devices with one that is new."""

    hostdevs: list[Passed] | None = backend("passthrough")
    log: Filed | None = backend("host-port")
    secret: Annotated[str, text(20)] | None = backend("escape-hatch")


NEW: dict[str, DeclaredField] = {place.path: place for place in walk(shape_of(Hosting), "domain")}


def new(rules: list[dict[str, Any]], domain: dict[str, Any], stored: Any = None) -> list[dict[str, str]]:
    marks = inspect(domain, shape_of(Hosting), "spec.domain").marks
    judge = engine([{"rules": rules}] if rules else [], declared_fields=NEW)
    request = Request(operation="CREATE" if stored is None else "UPDATE")
    return refused(judge.decide(Submission({"domain": domain}, marks, stored={"domain": stored}), request))


def test_an_element_declared_tomorrow_is_refused_with_no_edit_of_a_policy() -> None:
    domain = {"hostdevs": [{"name": "gpu", "node": "0000:01:00.0"}], "secret": "x"}
    assert new([], domain) == [
        {"path": "spec.domain.hostdevs", "rule": "default-deny/passthrough"},
        {"path": "spec.domain.secret", "rule": "default-deny/escape-hatch"},
    ]


def test_an_element_declared_tomorrow_is_permitted_as_a_whole() -> None:
    domain = {"hostdevs": [{"name": "gpu", "node": "0000:01:00.0"}]}
    assert new([{"name": "gpus", "permit": {"path": "domain.hostdevs[*]"}}], domain) == []
    assert new([{"name": "other", "permit": {"path": "domain.secret"}}], domain) != []


def test_a_condition_on_values_does_not_permit_an_element() -> None:
    rule = {"name": "most", "permit": {"class": "passthrough"}, "when": {"not-in": ["x"]}}
    assert new([rule], {"hostdevs": [{"name": "gpu"}]}) == [
        {"path": "spec.domain.hostdevs", "rule": "default-deny/passthrough"}
    ]


def test_a_condition_on_values_does_not_permit_an_element_beside_a_condition_on_another_field() -> None:
    rule = {
        "name": "most",
        "permit": {"class": "passthrough"},
        "when": {"not-in": ["x"]},
        "where": {"domain.secret": {"present": False}},
    }
    assert new([rule], {"hostdevs": [{"name": "gpu"}]}) == [
        {"path": "spec.domain.hostdevs", "rule": "default-deny/passthrough"}
    ]


def test_a_forbid_of_a_class_is_about_elements_declared_tomorrow() -> None:
    rule = {"name": "gpus", "forbid": {"class": "passthrough", "path": "domain.hostdevs[*]"}}
    found = [{"path": "spec.domain.hostdevs", "rule": "site/gpus"}]
    assert new([rule], {"hostdevs": [{"name": "gpu"}]}) == found
    assert new([rule, {"name": "all", "permit": {"class": "backend"}}], {"hostdevs": [{"name": "gpu"}]}) == found


def test_a_rule_for_a_class_that_an_element_declared_tomorrow_does_not_have_is_refused() -> None:
    for kind in ("host-path", "frontend"):
        with pytest.raises(Refused, match=f"class `{kind}` is no class of `domain\\.hostdevs"):
            new([{"name": "in", "forbid": {"class": kind, "path": "domain.hostdevs[*]"}}], {})
    for kind, path in (("backend", "domain.hostdevs[*]"), ("host-port", "domain.log")):
        assert new([{"name": "in", "forbid": {"class": kind, "path": path}}], {}) == []


def test_a_list_that_is_backend_as_a_whole_is_stored_as_a_whole() -> None:
    gpu = {"hostdevs": [{"name": "gpu", "node": "0000:01:00.0"}]}
    assert new([], gpu, gpu) == []
    assert new([], {"hostdevs": [{"name": "gpu", "node": "0000:02:00.0"}]}, gpu) == [
        {"path": "spec.domain.hostdevs", "rule": "default-deny/passthrough"}
    ]


class Port(Element, tag="port", key="name"):
    """An entry of a list in an entry of a list."""

    name: Annotated[str, text(20)] | None = frontend()
    socket: Annotated[str, text(20)] | None = backend("host-port")


class Pin(Element, tag="pin"):
    """An entry that nothing tells from another."""

    cpus: Annotated[str, text(20)] | None = backend("scheduling")


class Card(Element, tag="card", key="name"):
    """A device that has devices of its own, and a list that is backend as a whole."""

    name: Annotated[str, text(20)] | None = frontend()
    ports: list[Port] | None = frontend()
    limits: list[Port] | None = backend("io-tuning")


class Cards(Element, tag="devices"):
    """Devices that have devices."""

    cards: list[Card] | None = frontend()
    pins: list[Pin] | None = frontend()


def test_what_an_update_leaves_out_is_found_by_the_names_of_all_the_entries_around_it() -> None:
    judge = engine([], declared_fields={place.path: place for place in walk(shape_of(Cards), "domain")})
    old = {"cards": [{"name": "a", "ports": [{"name": "p"}, {"name": "q", "socket": "x"}]}, {"name": "b"}]}
    new = {"cards": [{"name": "b"}, {"name": "a", "ports": [{"name": "p"}, {"name": "q"}]}]}
    marks = inspect(old, shape_of(Cards), "spec.domain").marks
    request, submission = Request(operation="UPDATE"), Submission({"domain": new}, [], "spec", {"domain": old}, marks)
    [gone] = judge.lost(submission, request)
    assert gone.path == "spec.domain.cards[1].ports[1].socket"
    gone.restore()
    assert new["cards"][1]["ports"] == [{"name": "p"}, {"name": "q", "socket": "x"}]
    assert list(judge.lost(submission, request)) == []


def test_what_is_created_takes_nothing_away_whatever_stood_there() -> None:
    stored = {"domain": {"os": {"kernel": "/k"}}}
    marks = inspect(stored["domain"], domain_shape(), "spec.domain").marks
    submission = Submission({"domain": {}}, [], "spec", stored, marks)
    assert list(engine([]).lost(submission, Request(operation="CREATE"))) == []
    assert [each.path for each in engine([]).lost(submission, Request(operation="UPDATE"))] == ["spec.domain.os.kernel"]


def test_a_list_without_keys_comes_back_whole_unless_something_was_added_to_it() -> None:
    judge = engine([], declared_fields={place.path: place for place in walk(shape_of(Cards), "domain")})
    one, two, other = ({"cpus": cpus} for cpus in ("1", "2", "3"))
    marks = inspect({"pins": [one, two]}, shape_of(Cards), "spec.domain").marks
    for left, after in (
        ([one], [one, two]),
        ([], [one, two]),
        ([one, other], [one, other]),
        ([other], [other]),
        ([two, one], [two, one]),
    ):
        new = {"pins": left}
        request, stored = Request(operation="UPDATE"), {"domain": {"pins": [one, two]}}
        submission = Submission({"domain": new}, [], "spec", stored, marks)
        gone = list(judge.lost(submission, request))
        assert [each.path for each in gone] == ([] if left == [two, one] else ["spec.domain.pins"])
        for each in gone:
            each.restore()
        assert new["pins"] == after


def test_a_list_that_is_backend_as_a_whole_is_found_where_an_update_leaves_it_out() -> None:
    judge = engine([], declared_fields={place.path: place for place in walk(shape_of(Cards), "domain")})
    old = {"cards": [{"name": "a", "limits": [{"name": "p"}]}]}
    marks = inspect(old, shape_of(Cards), "spec.domain").marks
    new = {"domain": {"cards": [{"name": "a"}]}}
    [gone] = judge.lost(Submission(new, [], "spec", {"domain": old}, marks), Request(operation="UPDATE"))
    assert (gone.path, gone.value) == ("spec.domain.cards[0].limits", [{"name": "p"}])


def test_a_rule_inside_of_a_backend_element_is_refused_with_the_element_to_name() -> None:
    with pytest.raises(Exception, match=r"is decided with `domain\.hostdevs\[\*\]`"):
        new([{"name": "in", "permit": {"path": "domain.hostdevs[*].node"}}], {})


def test_every_class_of_backend_has_words_and_a_default_rule() -> None:
    assert set(DEFAULT_DENY) == set(BACKEND_KINDS)
    assert set(texts()) == set(CLASSES) - {"backend"}
    assert all(said["whole"] for said in texts().values())
    assert all(texts()[kind]["help"] for kind in BACKEND_KINDS)


def test_a_value_is_in_all_words_about_values_and_in_no_others() -> None:
    for kind, said in texts().items():
        about = {sort: words for sort, words in said.items() if sort in ("problem", "path", "flag")}
        assert bool(about) is (kind not in SECRET_KINDS), kind
        assert all("{value}" in words for words in about.values()), kind
        for end, words in said.get("fields", {}).items():
            fields = [place.field for path, place in PLACES.items() if path.endswith(end) and kind in possible(place)]
            assert {"{value}" in words} == {not field.secret and field.scalar is not None for field in fields}, end
        assert not any("{value}" in words for sort, words in said.items() if sort in ("whole", "help")), kind


def test_the_words_for_ends_of_paths_end_a_declared_path_of_their_class() -> None:
    for kind, said in texts().items():
        for end in said.get("fields", {}):
            assert any(path.endswith(end) and kind in possible(place) for path, place in PLACES.items()), (kind, end)


def test_the_words_for_single_places_name_places_that_are_declared() -> None:
    for kind, said in texts().items():
        for path in said.get("paths", {}):
            assert path in PLACES, f"{kind}: {path}"


def test_a_default_deny_is_named_without_a_file_and_a_rule_with_it() -> None:
    [unnamed] = decide(engine([]), {"domain": {"os": {"kernel": "/x"}}}).findings
    assert unnamed.rule == "default-deny/host-path"
    [named] = decide(
        engine([{"rules": [{"name": "p", "deny": {"class": "host-path"}}]}]), {"domain": {"os": {"kernel": "/x"}}}
    ).findings
    assert named.rule == "site/p (site/policy.yaml:6)"


def test_an_exception_that_decides_is_named_with_its_own_place() -> None:
    exception = {"namespaces": ["lab"], "until": date(2027, 3, 31), "owner": "boot", "ticket": "OPS-2"}
    rules = [
        {"name": "kernels", "deny": {"path": "domain.os.kernel"}},
        {"name": "dtbs", "permit": {"path": "domain.os.dtb"}, "when": {"in": ["/x"]}},
    ]
    exceptions = [{"rule": "site/kernels", **exception}, {"rule": "site/dtbs", **exception, "values": ["/y"]}]
    rules_in_force = engine([{"rules": rules, "exceptions": exceptions}]).rules_for(Request("lab")).enforce
    for path, name, line in (("domain.os.kernel", "kernels", 16), ("domain.os.dtb", "dtbs", 22)):
        rule, refuses = rules_in_force.rules_about(path, "host-path").deciding("/y", partial(FieldLocation, {}, path))
        assert not refuses
        assert rule is not None
        assert rule.named == f"site/{name} (site/policy.yaml:{line})"


def test_what_is_missing_is_missed_of_a_spec_without_a_domain_too() -> None:
    judge = engine(
        [{"rules": [{"name": "boot", "forbid": {"path": "domain.os.secureBoot"}, "when": {"present": False}}]}]
    )
    assert refused(decide(judge, {})) == [{"path": "spec.domain.os.secureBoot", "rule": "site/boot"}]
    assert refused(decide(judge, None)) == []


def test_a_value_of_another_type_is_not_what_is_stored() -> None:
    judge = engine([{"rules": [{"name": "v", "forbid": {"path": "domain.vcpu.count"}}]}])
    request, spec = Request(operation="UPDATE"), {"domain": {"vcpu": {"count": 1}}}
    assert refused(decide(judge, spec, request, spec)) == []
    assert refused(decide(judge, spec, request, {"domain": {"vcpu": {"count": True}}})) != []


def test_paths_of_a_template_are_found_like_those_of_a_vm() -> None:
    domain = {"devices": {"disks": [{"name": "a", "source": {"file": "/x"}}]}, "vcpu": {"count": 1}}
    marks = inspect(domain, domain_shape(), "spec.template.spec.domain").marks
    for operation, found in (("CREATE", ["devices.disks[0].source.file", "vcpu.count"]), ("UPDATE", [])):
        judge = engine([{"rules": [{"name": "v", "forbid": {"path": "domain.vcpu.count"}}]}])
        request, spec = Request(operation=operation), {"domain": domain}
        findings = judge.decide(Submission(spec, marks, "spec.template.spec", spec), request).findings
        assert [each.path.removeprefix("spec.template.spec.domain.") for each in findings] == found


def test_a_review_looks_at_no_rule_about_what_its_vm_does_not_have() -> None:
    asked: list[Any] = []
    cache = {"name": "c", "permit": {"path": "domain.devices.disks[*].driver.cache"}, "when": {"in": ["none"]}}
    made = policies([{"rules": [cache]}])
    [rule] = made[0].rules

    def asks(value: Any) -> bool:
        asked.append(value)
        return True

    spied = replace(rule, conditions=(Condition("in", ["none"], asks),))
    judge = compile_policies([replace(made[0], rules=(spied,))], PLACES)
    decide(judge, {"domain": {"devices": {"disks": [{"name": "a", "driver": {"io": "native"}}]}}})
    assert asked == []
    decide(judge, {"domain": {"devices": {"disks": [{"name": "a", "driver": {"cache": "none"}}]}}})
    assert asked == ["none"]


def test_decisions_for_other_requesters_are_their_own() -> None:
    who = {"subjects": {"users": ["ann"]}, "namespaces": {"names": ["lab"]}}
    judge = engine([{"match": who, "rules": [{"name": "p", "permit": {"class": "host-path"}}]}])
    spec = {"domain": {"os": {"kernel": "/x"}}}
    requests = [(user, space) for user in ("ann", "eve") for space in ("lab", "web")] * 2
    allowed = [each for each in requests if not decide(judge, spec, Request(each[1], {}, each[0])).findings]
    assert allowed == [("ann", "lab")] * 2


def test_more_kinds_of_requester_than_are_kept_are_decided_as_well() -> None:
    judge = engine(
        [{"match": {"subjects": {"users": ["user-*"]}}, "rules": [{"name": "p", "permit": {"class": "host-path"}}]}]
    )
    spec = {"domain": {"os": {"kernel": "/x"}}}
    for number in range(1500):
        assert bool(decide(judge, spec, Request(user=f"user-{number}")).findings) is False
        assert bool(decide(judge, spec, Request(user=f"other-{number}")).findings) is True


def test_no_more_refusals_are_made_than_anybody_reads() -> None:
    disks = [{"name": f"d{number}", "driver": {"cache": "none", "io": "native"}} for number in range(500)]
    assert len(decide(engine([]), {"domain": {"devices": {"disks": disks}}}).findings) == 512


def test_what_a_guard_asks_of_another_list_is_found_out_once_a_review() -> None:
    asked: list[Any] = []

    def asks(value: Any) -> bool:
        asked.append(value)
        return False

    rule = {
        "name": "c",
        "forbid": {"path": "domain.devices.disks[*].serial"},
        "where": {"domain.cpu.features[*].name": {"in": ["vmx"]}},
    }
    [policy] = policies([{"rules": [rule]}])
    path = "domain.cpu.features[*].name"
    spied = replace(policy.rules[0], guards=(guard("where", {path: (Condition("in", ["vmx"], asks),)}),))
    judge = compile_policies([replace(policy, rules=(spied,))], PLACES)
    disks = [{"name": f"d{number}", "serial": f"s{number}"} for number in range(20)]
    decide(judge, {"domain": {"devices": {"disks": disks}, "cpu": {"features": [{"name": "aes"}, {"name": "avx"}]}}})
    assert len(asked) == 2


def test_what_is_refused_is_found_behind_any_number_of_stored_values() -> None:
    """The bound is on what is told, not on what is looked at."""
    disks: list[dict[str, Any]] = [{"name": f"d{n}", "driver": {"cache": "none", "io": "native"}} for n in range(300)]
    before = {"domain": {"devices": {"disks": disks}}}
    after = {"domain": {"devices": {"disks": [*disks, {"name": "new", "source": {"file": "/etc/shadow"}}]}}}
    found = refused(decide(engine([]), after, Request(operation="UPDATE"), before))
    assert found == [{"path": "spec.domain.devices.disks[300].source.file", "rule": "default-deny/host-path"}]
    rules = [{"name": "few", "forbid": {"total": "devices"}, "when": {"above": 300}}]
    found = refused(decide(engine([{"rules": rules}]), after, Request(operation="UPDATE"), before))
    assert [each["rule"] for each in found] == ["default-deny/host-path", "site/few"]


def test_a_new_value_is_found_behind_any_number_of_stored_ones() -> None:
    check = engine([{"rules": [{"name": "serials", "forbid": {"path": "domain.devices.disks[*].serial"}}]}])
    disks = [{"name": f"d{number}", "serial": "s"} for number in range(600)]
    stored = {"domain": {"devices": {"disks": disks}}}
    spec = {"domain": {"devices": {"disks": [*disks, {"name": "new", "serial": "s"}]}}}
    found = refused(decide(check, spec, Request(operation="UPDATE"), stored))
    assert [each["path"] for each in found] == ["spec.domain.devices.disks[600].serial"]
