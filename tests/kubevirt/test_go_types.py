"""Every field of KubeVirt's own types has a class, in both releases, and words are about fields that are there."""

from __future__ import annotations

import re

import pytest

from tests.kubevirt.go_types import API, CDI, VERSIONS, GoField, GoTypes, Named, NotThere, go_types
from webhook.declare import BACKEND_KINDS, SECRET_KINDS, Backend
from webhook.kinds.spec import spec_shape
from webhook.kubevirt.api import MESSAGES, declared_fields
from webhook.kubevirt.api.declarations import APART, PARTS, annotation_tables, class_of, tables
from webhook.policy.engine.messages import texts
from webhook.policy.language.selection import possible

CORE = f"{API}/core/v1"
ROOTS: dict[Named, str] = {
    (CORE, "VirtualMachineSpec"): "VirtualMachineSpec",
    (CORE, "VirtualMachineInstanceSpec"): "VirtualMachineInstanceSpec",
    (CORE, "VirtualMachineInstanceReplicaSetSpec"): "VirtualMachineInstanceReplicaSetSpec",
    (f"{API}/pool/v1beta1", "VirtualMachinePoolSpec"): "VirtualMachinePoolSpec",
    (f"{API}/instancetype/v1beta1", "VirtualMachineInstancetypeSpec"): "VirtualMachineInstancetypeSpec",
    (f"{API}/instancetype/v1beta1", "VirtualMachinePreferenceSpec"): "VirtualMachinePreferenceSpec",
    (f"{API}/clone/v1beta1", "VirtualMachineCloneSpec"): "VirtualMachineCloneSpec",
    (f"{API}/snapshot/v1beta1", "VirtualMachineRestoreSpec"): "VirtualMachineRestoreSpec",
}
# Fields whose type a release has otherwise, and which are decided as a whole.
OTHERWISE = {("VirtualMachineInstanceSpec.resourceClaims", "v1.8.2")}
# Types of Kubernetes' own packages, which are not walked.
OF_KUBERNETES = ("ResourceList", "VolumeResourceRequirements", "VolumeResourceList")
_SCALARS = {"string": "", "bool": "bool", "int": "int", "int32": "int", "int64": "int", "uint32": "int", "uint": "int"}
_TEXTS = ("UID", "DNSPolicy", "PullPolicy", "PersistentVolumeMode")
FIELDS = declared_fields()
WORDS = texts(MESSAGES)


def of(version: str) -> GoTypes:
    try:
        return go_types(version)
    except NotThere as missing:
        pytest.skip(str(missing))


def wanted(field: GoField) -> str:
    """What the table says that a field of this type holds."""
    if field.struct is not None:
        package, name = field.struct
        name = "CdiDataVolumeSource" if (package.startswith(CDI), name) == (True, "DataVolumeSource") else name
        return f"[{name}]" if field.lists else name
    if field.lists:
        return "any"
    if field.text in _SCALARS or field.text.endswith(_TEXTS):
        return _SCALARS.get(field.text, "")
    if field.text.endswith("ResourceList"):
        return "ResourceList"
    if field.text.endswith("VolumeResourceRequirements"):
        return "VolumeResourceRequirements"
    return "quantity" if field.text.endswith("Quantity") else "any"


def differences(types: GoTypes, version: str) -> list[str]:
    """Where the table is not what the types are."""
    found, seen, left = [], set(), dict(ROOTS)
    while left:
        named, name = left.popitem()
        seen.add(named)
        table = tables().get(name)
        if table is None:
            found.append(f"{name} is not declared")
            continue
        for field, go in types.fields(named).items():
            content = table[field].partition(" ")[2] if field in table else None
            if content is None:
                found.append(f"{name}.{field} ({go.text}) has no class")
            elif content == "any" and (field in APART or f"{name}.{field}" in WHOLE):
                continue
            elif content != wanted(go) and (f"{name}.{field}", version) not in OTHERWISE:
                found.append(f"{name}.{field} is {wanted(go) or 'a text'}, and declared as {content or 'a text'}")
            elif go.struct is not None and go.struct not in seen:
                left[go.struct] = content.strip("[]")
    return found


# Structs that nobody reads, as the status of a DataVolume in a template, and objects that are meant as a whole.
WHOLE = {
    "DataVolumeTemplateSpec.status",
    "VirtualMachineCloneSpec.source",
    "VirtualMachineCloneSpec.target",
    "VirtualMachineRestoreSpec.target",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_kubevirts_types_has_a_class(version: str) -> None:
    assert differences(of(version), version) == []


def test_a_field_without_a_class_and_one_of_another_type_are_named() -> None:
    spec = [{"name": "running", "type": "string"}, {"name": "newField", "type": "Thing"}]
    packages = {package: {} for package, _ in ROOTS}
    types = GoTypes({**packages, CORE: {"VirtualMachineSpec": spec, "Thing": []}})
    [named] = [each for each in ROOTS if each == (CORE, "VirtualMachineSpec")]
    assert set(types.fields(named)) == {"running", "newField"}
    others = {each: name for each, name in ROOTS.items() if each != named}
    full = {package: {name: [] for other, name in others if other == package} for package in packages}
    full[CORE] |= {"VirtualMachineSpec": spec, "Thing": []}
    assert sorted(differences(GoTypes(full), "v1.9.0")) == [
        "VirtualMachineSpec.newField (Thing) has no class",
        "VirtualMachineSpec.running is a text, and declared as bool",
    ]


def test_no_field_is_declared_that_no_release_has() -> None:
    known: dict[str, set[str]] = {}
    for version in VERSIONS:
        types = of(version)
        left, seen = dict(ROOTS), set()
        while left:
            named, name = left.popitem()
            seen.add(named)
            for field, go in types.fields(named).items():
                known.setdefault(name, set()).add(field)
                inner = tables()[name][field].partition(" ")[2].strip("[]")
                if go.struct is not None and go.struct not in seen and inner in tables():
                    left[go.struct] = inner
    declared = {name: set(fields) for name, fields in tables().items() if name not in OF_KUBERNETES and fields}
    assert {
        name: fields - known.get(name, set()) for name, fields in declared.items() if fields - known.get(name, set())
    } == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_annotation_of_kubevirts_source_is_told(version: str) -> None:
    read = annotation_tables()
    known = {*read["annotations"], *read["labels"], *read["elsewhere"]}
    found = {each for each in of(version).constants() if re.fullmatch(r"([a-z]+\.)?kubevirt\.io/[A-Za-z][\w.-]*", each)}
    beginnings = tuple(each for each in read["families"] if each != "kubevirt.io/")
    assert sorted(each for each in found if each not in known and not each.startswith(beginnings)) == []


def test_every_class_is_one_that_policies_know() -> None:
    for name, fields in tables().items():
        for field, words in fields.items():
            assert class_of(words.partition(" ")[0]), f"{name}.{field}"
    backend = {
        place.field.field_class.kind for place in FIELDS.values() if isinstance(place.field.field_class, Backend)
    }
    assert backend == set(BACKEND_KINDS)


def test_each_part_of_policies_is_a_type() -> None:
    assert set(PARTS.values()) == set(ROOTS.values())


def test_every_class_has_words() -> None:
    assert set(WORDS) == {*BACKEND_KINDS, "frontend", "reference", "goal"}
    assert all(WORDS[kind]["help"] for kind in BACKEND_KINDS)
    for kind, said in WORDS.items():
        about = {sort: words for sort, words in said.items() if sort in ("problem", "path", "flag")}
        assert bool(about) is (kind not in SECRET_KINDS), kind
        assert all("{value}" in words for words in about.values()), kind


def test_the_words_for_ends_of_paths_end_a_declared_path_of_their_class() -> None:
    for kind, said in WORDS.items():
        for end in said.get("fields", {}):
            told = end == "interfaces[*].bridge"  # a bridge is of that class on the pod's network alone
            assert told or any(path.endswith(end) and kind in possible(place) for path, place in FIELDS.items()), (
                kind,
                end,
            )


def test_the_words_for_places_name_places_that_are_declared() -> None:
    for kind, said in WORDS.items():
        for path in said.get("paths", {}):
            # Or of our own machines, for whoever writes their words into a VirtualMachine of KubeVirt's.
            own = path.partition(".")[2] if kind == "escape-hatch" else ""
            assert path in FIELDS or own in spec_shape().fields, f"{kind}: {path}"
