"""Names that people know from elsewhere lead to the field that is meant; short ones to none that is only alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webhook.declare import Shape, inspect
from webhook.domain import domain_shape
from webhook.features import features_shape


def shapes(shape: Shape) -> Iterator[Shape]:
    yield shape
    for entry in shape.fields.values():
        if entry.shape is not None:
            yield from shapes(entry.shape)


ELEMENTS = {
    each.element: each for root in (features_shape(), domain_shape()) for each in shapes(root) if each.element.also
}


@pytest.mark.parametrize("shape", ELEMENTS.values(), ids=lambda shape: shape.name)
def test_every_other_name_is_of_small_letters_no_field_itself_and_leads_to_one(shape: Shape) -> None:
    for word, name in shape.element.also.items():
        assert word == word.lower()
        assert word.isalnum()
        assert word not in shape.fields
        assert name in shape.fields


def said(shape: Shape, word: str) -> str:
    [found] = inspect({word: 1}, shape, "spec").findings
    assert found.problem == "is not a field of the API"
    return found.help


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gpu", "devices"), ("gpus", "devices"), ("hostDevices", "devices"), ("ram", "memory"), ("RAM", "memory"),
        ("disks", "storage"), ("volumes", "storage"), ("drives", "storage"),
        ("networks", "network"), ("nics", "network"), ("vnc", "graphics"),
        ("cloudinit", "seed"), ("cloud_init", "seed"), ("host-devices", "devices"),
        ("memroy", "memory"), ("net", "network"), ("cup", "cpu"), ("tmp", "tpm"),
    ],
)  # fmt: skip
def test_a_name_from_elsewhere_or_a_typo_leads_to_the_feature(word: str, meant: str) -> None:
    assert said(features_shape(), word) == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("cores", "cpu: {topology: {cores: …}}"), ("vcpus", "cpu: {count: …}"), ("topology", "cpu: {topology: …}"),
        ("os", "system: {type: …}"), ("guestOs", "system: {type: …}"), ("firmware", "system: {firmware: …}"),
        ("uefi", "system: {firmware: …}"), ("secure-boot", "system: {secureBoot: …}"),
    ],
)  # fmt: skip
def test_a_word_of_a_feature_leads_to_where_it_stands_there(word: str, written: str) -> None:
    assert said(features_shape(), word).endswith(f": write `{written}`")


@pytest.mark.parametrize(
    ("element", "word", "written"),
    [
        ("cpu", "cores", "topology: {cores: …}"),
        ("cpu", "thread", "known here: "),
        ("os", "machine", "type: {machine: …}"),
    ],
)
def test_a_word_of_an_element_below_leads_there_and_one_of_none_does_not(element: str, word: str, written: str) -> None:
    shape = domain_shape().fields[element].shape
    assert shape is not None
    assert written in said(shape, word)


@pytest.mark.parametrize(
    ("feature", "value", "written"),
    [
        ("cpu", 4, "write `cpu: {count: 4}`"),
        ("cpu", 0, "`kubectl explain vmd.spec.features.cpu` says what it takes"),
        ("cpu", "4", "`kubectl explain vmd.spec.features.cpu` says what it takes"),
        ("system", "debian", "write `system: {type: debian}`"),
        ("system", 12, "`kubectl explain vmd.spec.features.system` says what it takes"),
    ],
)
def test_a_value_in_place_of_an_element_leads_to_its_field_where_it_is_one(
    feature: str, value: object, written: str
) -> None:
    [found] = inspect({feature: value}, features_shape(), "spec.features").findings
    assert found.help == written


def test_a_reference_says_what_it_names() -> None:
    [found] = inspect({"seed": [{"userData": "x"}]}, features_shape(), "spec.features").findings
    assert found.help == "did you mean `secret`? It is the name of a Secret"


@pytest.mark.parametrize("word", ["usb", "gcu", "rpm", "x", "ac"])
def test_a_short_name_that_is_only_alike_leads_to_none(word: str) -> None:
    assert said(features_shape(), word).startswith("known here: ")


@pytest.mark.parametrize(
    ("word", "meant"), [("gpus", "hostdevs"), ("nics", "interfaces"), ("volumes", "disks"), ("disk", "disks")]
)
def test_a_name_from_elsewhere_leads_to_the_list_of_devices(word: str, meant: str) -> None:
    devices = domain_shape().fields["devices"].shape
    assert devices is not None
    assert said(devices, word) == f"did you mean `{meant}`?"
