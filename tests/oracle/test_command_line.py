"""What a tenant writes stays one value of one option of QEMU's, on the command line that libvirt makes.

Each text is rendered once with a harmless value and then with hostile ones: the command line has to be the harmless one
with that value in its place, wherever it stood.
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml

from tests.oracle import translation
from tests.oracle.arguments import Options, options
from tests.oracle.texts import LEVELS, POLICIES, harmless, meaning_something, plain, tenant_texts
from tests.oracle.translation import Translated
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.features.platform import Site
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.libvirt.xml.render import render
from webhook.policy import Policies
from webhook.trees import Tree

Judge = Callable[[list[str]], Translated]

CASES = yaml.safe_load((Path(__file__).parent / "command_line.yaml").read_text())
JUDGES = ("installed", "newest")
TEXTS = tenant_texts()
LABEL = "vmconfig.kubevirt.io/enforce"
# Keys of options whose values QEMU opens, or connects to.
_OPENED = frozenset({"file", "filename", "path", "host", "addr", "rendernode", "evdev", "romfile", "script", "device"})


@dataclass(frozen=True)
class Row:
    """One hostile value at the fields of a case: the document with the harmless value, and the one with it."""

    case: str
    fields: tuple[str, ...]
    plain: str
    value: str
    before: str
    after: str


@cache
def policies() -> Policies:
    return Policies(POLICIES, declared_fields())


def document(spec: Tree, fields: tuple[str, ...], value: str, level: str = LEVELS[-1]) -> str:
    """The XML of a VM with this value at each field; Refused where the webhook does not take it."""
    spec = deepcopy(spec)
    spec.setdefault("features", {}).setdefault("system", {"type": "linux"})
    for field in fields:
        put(spec, field, value)
    vm = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}
    # The same identities each time: what differs between two documents is the value.
    context = AdmissionContext(
        policies(), Site(domain_type="qemu"), random.Random(0).randbytes, labels=lambda _: {LABEL: level}
    )
    made, findings, _ = expand_object(vm, context)
    if made is None or findings:
        raise Refused(findings)
    return render(made["spec"]["domain"], "vm")


def put(tree: Tree, path: str, value: str) -> None:
    """Set a value at a declared path; of a list, in its first entry."""
    *above, last = path.split(".")
    for part in above:
        name = part.removesuffix("[*]")
        tree = tree.setdefault(name, {}) if name == part else tree.setdefault(name, [{}])[0]
    tree[last] = value


def rows(case: Tree) -> Iterator[Row]:
    """The case with each hostile value that its fields take and that the webhook admits."""
    for fields, values in together(case).items():
        word = word_of(case)
        level = case.get("level", LEVELS[-1])
        before = document(case["spec"], fields, word, level)
        for value in values:
            try:
                after = document(case["spec"], fields, value, level)
            except Refused:
                continue
            yield Row(case["title"], fields, word, value, before, after)


def together(case: Tree) -> dict[tuple[str, ...], list[str]]:
    """The case's fields, those that take the same hostile values as one."""
    taking: dict[tuple[str, ...], list[str]] = {}
    for field in case["fields"]:
        taking.setdefault(tuple(meaning_something(TEXTS[field], word_of(case))), []).append(field)
    return {tuple(fields): list(values) for values, fields in taking.items()}


def word_of(case: Tree) -> str:
    word: str = case.get("plain") or plain(TEXTS[case["fields"][0]])
    return word


@pytest.fixture(scope="module")
def all_rows() -> list[Row]:
    return [row for case in CASES for row in rows(case)]


@pytest.fixture(scope="module", params=JUDGES)
def judge(request: pytest.FixtureRequest, schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Judge]:  # noqa: ARG001
    """A libvirt: its name, and what it makes of documents."""
    if request.param == "newest":
        return request.param, translation.by_the_newest
    folder = tmp_path_factory.mktemp("translate")
    return request.param, lambda documents: translation.by_the_installed(documents, folder)


def wrong(row: Row, case: Tree, made: Translated, judge: str) -> Iterator[str]:
    """What a hostile value did to a command line, beside standing where the harmless one stood."""
    if row.before not in made.lines:
        if judge not in case.get("refused", ()):
            yield f"libvirt makes nothing of the harmless value: {made.refused[row.before]}"
        return
    if row.after not in made.lines:
        yield f"libvirt refuses what was admitted: {made.refused[row.after]}"
        return
    expected, found = options(made.lines[row.before]), options(made.lines[row.after])
    if any(holding(expected, row.plain)) != (judge in case.get("judges", JUDGES)):
        yield "the harmless value is on the command line where the case says that it is not, or the reverse"
    if found != with_value(expected, row, case.get("escaped", {})):
        yield "; ".join(str(option) for option in found if option not in expected) or "options are missing"
    yield from strays(expected, row)


def holding(found: Options, text: str) -> Iterator[tuple[str, str]]:
    """Keys with the values that hold a text."""
    yield from ((key, value) for _, pairs in found for key, value in pairs if isinstance(value, str) and text in value)


def with_value(expected: Options, row: Row, escaped: dict[str, dict[str, str]]) -> Options:
    """The harmless command line with the hostile value in the place of the harmless one."""

    def changed(key: str, value: Any) -> Any:
        written = row.value.translate(str.maketrans(escaped.get(key, {})))
        return value.replace(row.plain, written) if isinstance(value, str) else value

    return [(option, [(key, changed(key, value)) for key, value in pairs]) for option, pairs in expected]


def strays(expected: Options, row: Row) -> Iterator[str]:
    """Where the value is a path, or leads out of the folder that libvirt put it in."""
    for key, value in holding(expected, row.plain):
        if value == row.plain:
            if key.rpartition(".")[2] in _OPENED:
                yield f"`{key}` is a way that the tenant chose"
        elif value.startswith("/"):
            there = posixpath.normpath(value.replace(row.plain, row.value))
            if there.replace(row.value, row.plain) != value or there.count("/") != value.count("/"):
                yield f"`{key}` leads to `{there}`"


def test_every_text_of_a_tenant_refuses_what_means_something_or_is_judged() -> None:
    judged = {field for case in CASES for field in case["fields"]}
    found = {path for path, place in TEXTS.items() if meaning_something(place, plain(place))}
    assert found - judged == set()


def test_every_case_is_about_texts_of_tenants_that_take_what_means_something() -> None:
    for case in CASES:
        for field in case["fields"]:
            assert meaning_something(TEXTS[field], word_of(case)), f"{field} needs no case"


def test_tombstones_are_declared_as_devices_are() -> None:
    """Texts of tombstones are not tried by themselves."""
    devices = {path.removeprefix("domain.devices."): place.field.scalar for path, place in declared_fields().items()}
    tombs = {
        path: place.field.scalar for path, place in declared_fields().items() if path.startswith("abi.tombstones.")
    }
    restored = {path: place for path, place in declared_fields().items() if path.startswith("restoreFrom.devices.")}
    of_their_own = [
        path
        for path, place in restored.items()
        if place.field.scalar is not None
        and devices.get(path.removeprefix("restoreFrom.devices.")) is not place.field.scalar
        and meaning_something(place, "qz7x")
    ]
    assert restored
    assert of_their_own == []
    assert tombs
    assert [path for path, scalar in tombs.items() if devices[path.removeprefix("abi.tombstones.")] is not scalar] == []


def test_a_text_that_is_declared_without_a_pattern_needs_a_case() -> None:
    """A free text (the title) is found to take what means something; one with a form of its own (a name) is not."""
    assert ",x=y" in meaning_something(TEXTS["domain.title"], "qz7x")
    assert meaning_something(TEXTS["domain.devices.disks[*].name"], "qz7x") == []
    assert harmless("0-3,8")
    assert not harmless("0,x=y")


@pytest.mark.parametrize("name", ["..", "../x", "a,x=y", "-x", "a b", "a/b", "a=b", "A", "a_b"])
def test_a_name_that_means_something_is_none_of_a_vm(name: str) -> None:
    with pytest.raises(Refused, match=r"metadata\.name"):
        render({}, name)


def test_no_text_of_a_tenant_becomes_another_option_or_another_path(
    judge: tuple[str, Judge], all_rows: list[Row]
) -> None:
    name, translated = judge
    made = translated(sorted({document for row in all_rows for document in (row.before, row.after)}))
    cases = {case["title"]: case for case in CASES}
    assert {row.case for row in all_rows if row.before in made.lines}, "nothing was translated"
    found = [
        f"{row.case}: {', '.join(row.fields)} = {row.value!r}: {line}"
        for row in all_rows
        for line in wrong(row, cases[row.case], made, name)
    ]
    assert found == []


def test_the_judges_see_what_a_loose_declaration_lets_through(judge: tuple[str, Judge]) -> None:
    """The values are put into the XML by hand: the declarations refuse them."""
    loose = [by_hand(*said) for said in LOOSE]
    made = judge[1]([document for row in loose for document in (row.before, row.after)])
    found = [" ".join(wrong(row, {}, made, judge[0])) for row in loose]
    assert [said in line for (*_, said), line in zip(LOOSE, found, strict=True)] == [True] * len(LOOSE), found


BLOB = "domain.fwCfg.entries[*].value"
CHANNEL = "domain.devices.channels[*].target.name"
LOOSE = [
    (BLOB, ",file=/x", "('file', '/x')"),
    (BLOB, "a,,b", "('string', 'a,b')"),
    (BLOB, "a,b", "('b', True)"),
    (BLOB, "<", "('string', '&lt;')"),
    (CHANNEL, "..", "leads to"),
    (CHANNEL, "a/b", "leads to"),
    (CHANNEL, "../../x", "leads to"),
]
AROUND = {
    BLOB: {"domain": {"fwCfg": {"entries": [{"name": "opt/x"}]}}},
    CHANNEL: {"domain": {"devices": {"channels": [{"target": {"type": "virtio"}}]}}},
}


def by_hand(field: str, value: str, _: str) -> Row:
    before = document(AROUND[field], (field,), "qz7x")
    return Row("by hand", (field,), "qz7x", value, before, before.replace("qz7x", escape(value)))
