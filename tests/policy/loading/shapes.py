"""Policy files that are wide, deep and repetitive: each list and map of the language in turn, as large as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import yaml

from tests.policy.files import END, HEAD, LEVEL_POLICIES, ended, policy
from webhook.declare import walk
from webhook.domain import domain_shape
from webhook.policy.language.selection import classes_below, decided_with

Files = list[tuple[str, bytes]]
_PLACES = {place.path: place for place in walk(domain_shape(), "domain")}
# What rules may be about: no fields of an element that is decided as a whole.
PATHS = [path for path in _PLACES if not decided_with(path, _PLACES)]
CLASSES = sorted((path, name) for path, names in classes_below(_PLACES).items() for name in names if path in PATHS)
TEXTS = ["domain.title", "domain.description", "domain.devices.disks[*].serial", "domain.os.kernel"]
EXCEPTION = "{rule: %s, namespaces: [%s], until: 2027-01-01, owner: o, ticket: t}"
SET = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: PolicySet\nfiles: [%s]\n"


def _file(*documents: str) -> Files:
    return [("a.yaml", ("---\n".join(documents) + LEVEL_POLICIES + END + "\n").encode())]


def _rules(rules: Iterable[str], more: str = "") -> Files:
    text = "".join(f"- {{name: r{number}, {rule}}}\n" for number, rule in enumerate(rules))
    return _file(f"{HEAD % 'a'}{more}rules:\n{text}")


def _texts(count: int, word: str = "n") -> str:
    return ", ".join(f"{word}{number}" for number in range(count))


def _match(part: str) -> str:
    return f"match: {{{part}}}\n"


def _exceptions(exceptions: Iterable[str]) -> Files:
    rules = "rules: [{name: r, forbid: {class: host-path}}, {name: s, forbid: {path: domain.title}, when: {in: [x]}}]\n"
    return _file(HEAD % "a" + rules + "exceptions:\n" + "".join(f"- {each}\n" for each in exceptions))


def _covered(count: int) -> Iterable[str]:
    """Half of them forbid whole fields, and others say more of the same fields."""
    for number in range(count // 2):
        path, name = CLASSES[number % len(CLASSES)]
        yield f"forbid: {{path: {path!r}, class: {name}}}"
        yield f"deny: {{path: {PATHS[-1 - number % len(PATHS)]!r}}}"


def _said(count: int) -> Iterable[str]:
    for number in range(count):
        yield f"forbid: {{path: domain.vcpu.count}}, when: {{above: {number}}}"


def _guards(count: int, word: str) -> Iterable[str]:
    """Rules about fields of their own, each with a look at four others."""
    for number in range(count // 4):
        looks = ", ".join(f"{PATHS[(number + step) % len(PATHS)]!r}: {{present: true}}" for step in range(1, 5))
        yield f"forbid: {{path: {PATHS[number % len(PATHS)]!r}}}, {word}: {{{looks}}}"


def _values(count: int) -> str:
    return "[" + _texts(count, "v") + "]"


SHAPES: dict[str, Callable[[int], Files]] = {
    "rules": lambda n: _rules(_said(n)),
    "rules, one a path": lambda n: _rules(f"deny: {{path: {PATHS[i % len(PATHS)]!r}}}" for i in range(n)),
    "rules, about a class at a path": lambda n: _rules(
        f"deny: {{path: {path!r}, class: {name}}}" for path, name in _some(CLASSES, n)
    ),
    "rules, that others cover": lambda n: _rules(_covered(n)),
    "rules, all the same": lambda n: _rules("forbid: {path: domain.title}" for _ in range(n)),
    "rules, that permit": lambda n: _rules(
        f"permit: {{path: domain.devices}}, where: {{domain.title: {{in: [v{i}]}}}}" for i in range(n)
    ),
    "rules, of no name": lambda n: _file(HEAD % "a" + "rules:\n" + "- {deny: {class: host-path}}\n" * n),
    "rules, of one name": lambda n: _file(HEAD % "a" + "rules:\n" + "- {name: r, deny: {class: host-path}}\n" * n),
    "in": lambda n: _rules([f"forbid: {{path: domain.title}}, when: {{in: {_values(n)}}}"]),
    "in, beside matches": lambda n: _rules(
        [f"forbid: {{path: domain.title}}, when: {{in: {_values(n)}, matches: '[^x]{{1,200}}'}}"]
    ),
    "in, of long texts": lambda n: _rules(
        [f"forbid: {{class: frontend}}, when: {{in: [{'x' * n}, {'y' * n}], matches: '[^x]{{1,200}}'}}"]
    ),
    "not-in": lambda n: _rules([f"forbid: {{path: domain.title}}, when: {{not-in: {_values(n)}}}"]),
    "when": lambda n: _rules([f"forbid: {{class: frontend}}, when: {{{', '.join(f'w{i}: 1' for i in range(n))}}}"]),
    "when, matches": lambda n: _rules(
        f"forbid: {{path: {TEXTS[i % 4]!r}}}, when: {{matches: 'a{i}[^/]{{1,250}}'}}" for i in range(n // 8)
    ),
    "when, matches too much": lambda n: _rules(
        f"forbid: {{path: domain.title}}, when: {{matches: 'a{i}[\\pL\\pN]{{0,200}}'}}" for i in range(n // 8)
    ),
    "where": lambda n: _rules(_guards(n, "where")),
    "unless": lambda n: _rules(_guards(n, "unless")),
    "where, of one rule": lambda n: _rules(
        [f"forbid: {{class: frontend}}, where: {{{', '.join(f'{p!r}: {{present: true}}' for p in PATHS[:n])}}}"]
    ),
    "equals": lambda n: _rules(
        f"forbid: {{path: domain.title}}, when: {{equals: {PATHS[i % len(PATHS)]!r}}}" for i in range(n)
    ),
    "match": lambda n: _rules(_said(1), _match(", ".join(f"m{i}: 1" for i in range(n)))),
    "names": lambda n: _rules(_said(1), _match(f"namespaces: {{names: [{_texts(n)}]}}")),
    "names, globs": lambda n: _rules(_said(1), _match(f"namespaces: {{names: [{', '.join(['a*'] * n)}]}}")),
    "names, many stars": lambda n: _rules(_said(1), _match(f"namespaces: {{names: ['{'*a' * min(n, 500)}']}}")),
    "except": lambda n: _rules(_said(1), _match(f"namespaces: {{except: [{_texts(n)}]}}")),
    "labels": lambda n: _rules(_said(1), _match(f"namespaces: {{labels: {{{_map(n)}}}}}")),
    "users": lambda n: _rules(_said(1), _match(f"subjects: {{users: [{_texts(n)}]}}")),
    "subjects": lambda n: _rules(_said(1), _match(f"subjects: {{{_map(n)}}}")),
    "groups": lambda n: _rules(_said(1), _match(f"subjects: {{groups: [{_texts(n)}]}}")),
    "serviceAccounts": lambda n: _rules(_said(1), _match(f"subjects: {{serviceAccounts: [{_texts(n, 'a/n')}]}}")),
    "metadata": lambda n: _file(f"{HEAD % 'a'}".replace("}", f", {_map(n)}}}")),
    "annotations": lambda n: _file(f"{HEAD % 'a'}".replace("}", f", annotations: {{{_map(n)}}}}}") + "rules: [{}]\n"),
    "exceptions": lambda n: _exceptions(EXCEPTION % ("a/r", f"n{i}") for i in range(n)),
    "exceptions, in one namespace": lambda n: _exceptions(EXCEPTION % ("a/r", "n") for i in range(n)),
    "exceptions, to no rule": lambda n: _exceptions(EXCEPTION % (f"a/n{i}", "n") for i in range(n)),
    "exceptions, at paths": lambda n: _exceptions(
        EXCEPTION.replace("rule: %s", f"rule: %s, path: {PATHS[i % len(PATHS)]!r}") % ("a/r", "n") for i in range(n)
    ),
    "namespaces": lambda n: _exceptions([EXCEPTION % ("a/r", _texts(n))]),
    "values": lambda n: _exceptions([EXCEPTION.replace("until", f"values: {_values(n)}, until") % ("a/s", "n")]),
    "documents": lambda n: _file(*(policy(f"p{i}") for i in range(n))),
    "documents, of one name": lambda n: _file(*[policy()] * n),
    "documents, that are none": lambda n: _file(*["a: b\n"] * n),
    "documents, empty": lambda n: _file(*["\n"] * n),
    "folder": lambda n: [(f"f{i}.yaml", ended(policy(f"p{i}")).encode()) for i in range(n)],
    "files": lambda n: _file(SET % _texts(n)),
    "files, that it does not name": lambda n: [
        *((f"f{i}.yaml", ended(policy(f"p{i}")).encode()) for i in range(min(n, 900))),
        ("s.yaml", ended(SET % "x").encode()),
    ],
    "a policy": lambda n: _file(HEAD % "a" + "".join(f"f{i}: 1\n" for i in range(n))),
    "a rule": lambda n: _rules([_map(n)]),
    "a selector": lambda n: _rules([f"deny: {{{_map(n)}}}"]),
    "paths that are none": lambda n: _rules(f"deny: {{path: domain.n{i}.{'x' * 200}}}" for i in range(n)),
    "classes that are none": lambda n: _rules(f"deny: {{class: domain-{i}}}" for i in range(n)),
    "keys twice": lambda n: _file(HEAD % "a" + "rules: []\n" * n),
    "anchors and aliases": lambda n: _file(HEAD % "a" + "rules: [&a {}" + ", *a" * n + "]\n"),
    "words that read two ways": lambda n: _file(HEAD % "a" + "rules: [" + "on, 010, " * n + "]\n"),
    "lists in lists": lambda n: _file(HEAD % "a" + "rules: " + "[" * n + "]" * n + "\n"),
    "lists beside lists": lambda n: _file(HEAD % "a" + "rules: [" + "[[[]]], " * n + "]\n"),
    "maps in maps": lambda n: _file(HEAD % "a" + "rules: " + "{a: " * n + "}" * n + "\n"),
    "a long text": lambda n: _file(HEAD % "a" + f"rules: '{'x' * n * 20}'\n"),
    "a long key": lambda n: _file(HEAD % "a" + f"? '{'x' * n * 20}'\n: 1\n"),
    "comments": lambda n: _file("# x\n" * n + HEAD % "a" + "rules: [{name: r, deny: {class: host-path}}]\n"),
}  # fmt: skip


def _some(found: list[tuple[str, str]], count: int) -> Iterable[tuple[str, str]]:
    return (found[number % len(found)] for number in range(count))


def _map(count: int) -> str:
    return ", ".join(f"k{number}: v" for number in range(count))


def is_yaml(files: Files) -> bool:
    """Whether a shape is what it shall be: none of its files breaks before it is read."""
    try:
        return all(list(yaml.parse(content, yaml.CSafeLoader)) for _, content in files)
    except yaml.YAMLError:
        return False
