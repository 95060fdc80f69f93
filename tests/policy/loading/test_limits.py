"""The limits of a set of policies: what is just within them loads, one more is a finding with its place and a help."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.policy.context import PLACES, TODAY
from tests.policy.files import HEAD, LEVEL_POLICIES, ended, policy
from tests.policy.loading.shapes import EXCEPTION, Files
from webhook.findings import Refused
from webhook.policy import Policies
from webhook.policy.language.patterns import PATTERN_MEMORY, InvalidPattern, merged, pattern
from webhook.policy.loading.budget import LIMITS, Budget, Exhausted, Pace
from webhook.policy.loading.load import Loading, load_contents

_LEVELS = ("levels.yaml", ended(LEVEL_POLICIES).encode())


def _rules(rules: list[str]) -> Files:
    text = "".join(f"- {{name: r{number}, {rule}}}\n" for number, rule in enumerate(rules))
    return [("a.yaml", ended(f"{HEAD % 'a'}rules:\n{text}").encode()), _LEVELS]


def _bytes(count: int) -> Files:
    least = [("a.yaml", ended(policy()).encode()), _LEVELS]
    left = count - sum(len(content) for _, content in least)
    made = []
    while left > 0:
        name = f"f{len(made)}"
        text = ended(policy(name))
        comment = min(left, 1 << 20) - len(text) - 1
        made.append((f"{name}.yaml", f"#{'x' * (comment - 1)}\n{text}".encode()))
        left -= len(made[-1][1])
    return [*least, *made]


def _values(count: int) -> Files:
    """So many YAML values, most of them in two lists."""
    budget = Budget()
    load_contents("p", _in(1, 1), Loading(PLACES, today=lambda: TODAY, budget=budget))
    left = count - budget.spent["nodes"] + 2
    return _in(left // 2, left - left // 2)


def _in(*counts: int) -> Files:
    rule = "{name: r, forbid: {class: frontend}, when: {in: [%s]}}"
    return [
        *(
            (f"{name}.yaml", ended(f"{HEAD % name}rules:\n- {rule % ','.join(map(str, range(count)))}\n").encode())
            for name, count in zip("ab", counts, strict=True)
        ),
        _LEVELS,
    ]


def _many_rules(count: int) -> Files:
    """Four policies, each with a part of the rules, and the levels with three."""
    files: Files = [_LEVELS]
    for name in "abcd":
        part = (count - 3) // 4 + (name == "a") * ((count - 3) % 4)
        rules = "".join(
            f"- {{name: r{i}, forbid: {{path: domain.vcpu.count}}, when: {{above: {i}}}}}\n" for i in range(part)
        )
        files.append((f"{name}.yaml", ended(f"{HEAD % name}rules:\n{rules}").encode()))
    return files


def _exceptions(count: int) -> Files:
    listed = "".join(f"- {EXCEPTION % ('a/r', f'n{number}')}\n" for number in range(count))
    rule = "rules: [{name: r, deny: {class: host-path}}]\n"
    return [("a.yaml", ended(f"{HEAD % 'a'}{rule}exceptions:\n{listed}").encode()), _LEVELS]


# Sets with just so many; what they have beside that is taken off.
AT: dict[str, Callable[[int], Files]] = {
    "files": lambda n: [_LEVELS, *((f"f{i}.yaml", ended(policy(f"p{i}")).encode()) for i in range(n - 1))],
    "bytes": _bytes,
    "nodes": _values,
    "documents": lambda n: [("a.yaml", ended("---\n".join(policy(f"p{i}") for i in range(n - 3))).encode()), _LEVELS],
    "rules": _many_rules,
    "exceptions": _exceptions,
    "patterns": lambda n: _rules([f"forbid: {{path: domain.title}}, when: {{matches: 'x{i}.*'}}" for i in range(n)]),
    "asked": lambda n: _rules(
        [f"forbid: {{path: domain.title}}, where: {{domain.description: {{in: [x{i}]}}}}" for i in range(n)]
    ),
    "globs": lambda n: [
        (
            "a.yaml",
            ended(policy() + f"match: {{subjects: {{users: [{', '.join(f'x{i}*' for i in range(n))}]}}}}\n").encode(),
        ),
        _LEVELS,
    ],
    "findings": lambda n: _rules(["forbid: {class: nothing}"] * n),
}


def wrong(files: Files) -> list[str]:
    try:
        load_contents("p", files, Loading(PLACES, today=lambda: TODAY))
    except Refused as refused:
        return [str(finding) for finding in refused.findings]
    return []


@pytest.mark.thorough
@pytest.mark.parametrize("what", LIMITS)
def test_a_set_is_refused_from_the_first_that_is_too_many(what: str) -> None:
    limit = LIMITS[what]
    within = wrong(AT[what](limit.most))
    assert [each for each in within if "is where the policies have more" in each] == []
    assert what == "findings" or within == []
    (finding,) = [each for each in wrong(AT[what](limit.most + 1)) if "is where the policies have more" in each]
    assert f"more than {limit.most} {limit.what}\n  help: {limit.help}" in finding
    assert re.match(r"p/\w+\.yaml:[0-9]+:[0-9]+: ", finding)


def test_the_help_about_expressions_followed_loads() -> None:
    texts = [f"x{number}.*" for number in range(LIMITS["patterns"].most + 20)]
    field_class = [f"{one}|{two}" for one, two in zip(texts[::2], texts[1::2], strict=True)]
    assert wrong(_rules([f"forbid: {{path: domain.title}}, when: {{matches: '{text}'}}" for text in field_class])) == []


def test_the_same_expression_in_many_rules_counts_once() -> None:
    paths = ["domain.title", "domain.description"] * 200
    rules = [f"forbid: {{path: {path}}}, when: {{matches: 'a.*'}}" for path in paths[:2]]
    assert wrong(_rules(rules)) == []
    assert pattern("a.*") is pattern("a.*")


def test_findings_before_the_limit_are_all_told() -> None:
    assert len(wrong(AT["findings"](5_000))) == LIMITS["findings"].most + 1


def test_a_nearest_name_is_looked_for_where_it_helps_and_not_thousands_of_times() -> None:
    found = wrong(_rules(["forbid: {path: domain.titel}"] * 100))
    assert "did you mean `domain.title`?" in found[0]
    assert 10 < sum("did you mean" in each for each in found) < 50


@pytest.mark.parametrize("where", ["start", "reload"])
def test_the_limits_hold_for_a_folder(tmp_path: Path, where: str) -> None:
    good, bad = AT["patterns"](2), AT["patterns"](LIMITS["patterns"].most + 1)

    def put(files: Files) -> None:
        for name, content in files:
            (tmp_path / name).write_bytes(content)

    if where == "start":
        put(bad)
        with pytest.raises(Refused, match="different regular expressions"):
            Policies(tmp_path, PLACES)
        return
    put(good)
    policies = Policies(tmp_path, PLACES)
    before = policies.engine
    put(bad)
    assert "different regular expressions" in str(policies.reload()[-1])
    assert policies.engine is before
    put(good)
    assert policies.reload() == []


LARGE = {
    "classes of all letters": r"b[\pL\pN]{0,200}",
    "repeats of repeats": "((a{0,30}){0,30}){0,30}",
    "choices": "(" + "|".join(f"{letter}{{1,99}}" for letter in "abcdefghijklmnopqrstuvwxyz") + ")" + ".{1,999}",
    "any letters without case": r"(?i)[\pL]{1,100}",
    "nothing, often": "((((a*)*)*){500}){20}",
}
COMMON = {
    "a label": "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
    "a name of DNS": r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*",
    "a path": "(/[^/]+){1,20}",
    "a folder": "/var/lib/images/[^/]{1,250}",
    "a UUID": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "CPUs": "EPYC.*|Opteron_G[2-5].*|Dhyana.*|phenom|qemu64",
    "letters of any alphabet": r"\pL*",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_an_expression_that_takes_much_memory_is_refused(text: str) -> None:
    with pytest.raises(InvalidPattern) as invalid:
        pattern(text)
    assert "KiB" in str(invalid.value) or "repetition" in str(invalid.value)
    assert invalid.value.help


@pytest.mark.parametrize("text", COMMON.values(), ids=COMMON)
def test_an_expression_as_admins_write_them_is_taken(text: str) -> None:
    assert pattern(text).text == text


def _memory() -> int:
    """Bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_as_many_expressions_as_are_allowed_take_no_more_than_they_may_whatever_they_are_asked() -> None:
    """The largest expressions that are taken, whose automata grow with each value: counted in memory, not in time."""
    values = ["".join(chr(97 + (seed * step) % 26) for step in range(2, 400)) for seed in range(1, 60)]
    before = _memory()
    known = [pattern(f"(.*{one}.{{1,60}}|.*{two}.{{1,60}})") for one in "abcdefghij" for two in "klmnopqrstuv"]
    for each in known:
        for value in values:
            each.matches(value)
    assert _memory() - before < len(known) * PATTERN_MEMORY + (16 << 20)


def test_expressions_that_are_too_large_together_are_asked_one_by_one() -> None:
    assert merged(tuple(f"a{number}.{{1,200}}" for number in range(250))) is None
    together = merged(("a.*", "b.*"))
    assert together is not None
    assert together.matches("bc")
    assert not together.matches("cb")


def test_a_budget_counts_each_thing_apart_and_rests_with_each() -> None:
    rests: list[int] = []
    budget = Budget(lambda: rests.append(1))
    for number in range(LIMITS["asked"].most):
        budget.spend("asked", "a:1:1", about=f"p{number % 2}")
    assert len(rests) == LIMITS["asked"].most
    budget.spend("asked", "a:1:1", LIMITS["asked"].most // 2, about="p0")
    with pytest.raises(Exhausted, match="a:2:1: is where"):
        budget.spend("asked", "a:2:1", about="p0")


def test_a_pace_rests_only_after_work() -> None:
    slow, quick = Pace(work=0.0, rest=0.0), Pace(work=3600.0, rest=3600.0)
    before = slow._since
    slow()
    quick()  # would never come back
    assert slow._since > before
