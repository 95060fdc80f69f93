"""Properties: reading undoes rendering, and no document or tree makes either fail otherwise than by refusing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from webhook.declare import Shape
from webhook.domain import domain_shape
from webhook.findings import Refused
from webhook.libvirt.backend.provide import withdraw
from webhook.libvirt.capturing.frontend import frontend_of
from webhook.libvirt.xml.parse import read
from webhook.libvirt.xml.place import absent
from webhook.libvirt.xml.render import render
from webhook.machines.controllers import compact, whole

SHAPE = domain_shape()
FRONTENDS = strategies.trees(SHAPE, strategies.FRONTEND)


def _placed(tree: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """What of a tree has a place in XML: not names of controllers, though a reading makes them."""
    made: dict[str, Any] = {}
    for name, value in tree.items():
        entry = shape.fields[name]
        if absent(entry, tree, shape):
            continue
        if entry.shape is not None and entry.many:
            made[name] = [_placed(item, entry.shape) for item in value]
        elif entry.shape is not None and _placed(value, entry.shape):
            made[name] = _placed(value, entry.shape)
        elif entry.shape is None and entry.place != "-":
            made[name] = value
    return made


def _meant(domain: dict[str, Any]) -> dict[str, Any]:
    """The domain as a reading leaves it: without what its silence means too."""
    return compact(whole(domain))


def _decided(domain: dict[str, Any]) -> dict[str, Any]:
    """A domain with the firmware that the conventional backend decides where the domain leaves it open."""
    os = domain.get("os", {})
    arch = os.get("type", {}).get("arch")
    rest = {name: value for name, value in os.items() if name not in ("firmware", "secureBoot", "enrolledKeys")}
    if os.get("firmware") != "efi":
        return {**domain, "os": {**rest, "firmware": "bios"}} if arch == "x86_64" else domain
    secure = os.get("secureBoot", False)
    keys = os.get("enrolledKeys", secure)
    # Of aarch64 there is one image, without secure boot and without keys.
    if arch == "x86_64" or (arch == "aarch64" and not secure and not keys):
        return {**domain, "os": {**rest, "firmware": "efi", "secureBoot": secure, "enrolledKeys": keys}}
    return domain


@given(strategies.trees(SHAPE))
@settings(max_examples=150, deadline=None)
def test_reading_undoes_rendering(domain: dict[str, Any]) -> None:
    reading = read(render(domain, "vm", backend=False))
    assert reading.left == []
    assert _placed(reading.domain, SHAPE) == _placed(_meant(withdraw(domain)), SHAPE)


@pytest.mark.thorough
@given(FRONTENDS)
@settings(max_examples=200, deadline=None)
def test_frontends_come_back_as_they_were(domain: dict[str, Any]) -> None:
    for backend in (False, True):
        reading = read(render(domain, "vm", backend=backend))
        assert reading.left == []
        # An XML that says what the tree says and no more is read as libvirt reads it: its memory holds the DIMMs.
        meant = domain if backend else withdraw(domain)
        assert _placed(_decided(reading.domain), SHAPE) == _placed(_decided(_meant(meant)), SHAPE)


@given(strategies.trees(SHAPE, strategies.ANY))
@settings(max_examples=100, deadline=None)
def test_the_backend_of_a_domain_hides_none_of_its_frontends(domain: dict[str, Any]) -> None:
    frontends = frontend_of(read(render(domain, "vm")).domain, SHAPE)
    os = domain.get("os", {})
    if "loader" not in os and "template" not in os.get("nvram", {}):
        frontends, domain = _decided(frontends), _decided(domain)
    assert _placed(frontends, SHAPE) == _placed(frontend_of(_meant(domain), SHAPE), SHAPE)


@given(FRONTENDS)
@settings(max_examples=50, deadline=None)
def test_rendering_does_not_depend_on_the_order_of_keys(domain: dict[str, Any]) -> None:
    def turned(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: turned(tree[key]) for key in reversed(tree)}
        return [turned(item) for item in tree] if isinstance(tree, list) else tree

    assert render(turned(domain), "vm") == render(domain, "vm")


@pytest.mark.thorough
@given(strategies.mutated(strategies.trees(SHAPE)) | strategies.JSON, strategies.JSON)
@settings(max_examples=200, deadline=None)
def test_no_tree_makes_rendering_fail_but_by_refusing(domain: Any, name: Any) -> None:
    for given_name in ("vm", name):
        with suppress(Refused):
            assert render(domain, given_name).startswith("<domain")


@given(
    st.text() | st.binary() | st.text("<>/&;!-[]a'\"= ", max_size=60).map(lambda inside: f"<domain>{inside}</domain>")
)
@settings(max_examples=300, deadline=None)
def test_no_document_makes_reading_fail_but_by_refusing(document: str | bytes) -> None:
    with suppress(Refused):
        assert isinstance(read(document).domain, dict)
