"""Each text of a stored machine in the other case, on an update by both ways: what the guest would see is refused."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from tests.attacks.admitting import CREATED, PAST_MUTATION, UPDATED, admitted
from tests.attacks.manifests import BASES, context, laid_over
from webhook.abi.state import LATEST
from webhook.declare import Field, Frontend, Shape
from webhook.domain import domain_shape
from webhook.trees import Tree

# Texts that a tenant gives, beside those that the service makes.
GIVEN: Tree = {
    "sysinfo": {"manufacturer": "Acme", "bios": {"vendor": "Acme"}, "oemStrings": [{"value": "Key=AbC"}]},
    "fwCfg": {"entries": [{"name": "opt/org.Foo/bar", "value": "Tok-AbC"}]},
    "cpu": {"model": "Westmere"},
    "devices": {
        "disks": [{"name": "root", "serial": "Wd-AbC"}],
        "filesystems": [{"name": "share", "claim": "web-share", "target": "Share"}],
        "channels": [{"name": "own", "type": "unix", "target": {"type": "virtio", "name": "org.Foo.0"}}],
    },
}
FROZEN = [base for base, spec in BASES.items() if (spec.get("abi") or {}).get("policy") != LATEST]


def texts(tree: Tree, shape: Shape, path: str = "domain") -> Iterator[tuple[str, Tree, Field]]:
    """Every text of a tree that is frontend: its path, the element that it stands in, its field."""
    for name, value in tree.items():
        entry = shape.fields[name]
        if entry.shape is None:
            if type(value) is str and isinstance(entry.class_of_value(value), Frontend):
                yield f"{path}.{name}", tree, entry
            continue
        for number, item in enumerate(value if type(value) is list else [value]):
            yield from texts(item, entry.shape, f"{path}.{name}[{number}]" if type(value) is list else f"{path}.{name}")


def copy(tree: Tree) -> Tree:
    made: Tree = orjson.loads(orjson.dumps(tree))
    return made


def written(base: str) -> Tree:
    part = {"domain": GIVEN} if base == "pc" else {}
    made = admitted(copy(laid_over(BASES[base], part)), CREATED, context())
    assert made is not None
    return made


@pytest.mark.parametrize("way", [PAST_MUTATION, UPDATED])
@pytest.mark.parametrize("base", FROZEN)
def test_a_text_in_the_other_case_is_refused_unless_libvirt_reads_a_number(base: str, way: str) -> None:
    stored = written(base)
    count = len(list(texts(stored["domain"], domain_shape())))
    passed, tried = set(), 0
    for number in range(count):
        update = copy(stored)
        path, element, entry = list(texts(update["domain"], domain_shape()))[number]
        if element[entry.name].swapcase() != element[entry.name]:
            tried += 1
            element[entry.name] = element[entry.name].swapcase()
            if admitted(update, way, context(), stored) is not None:
                passed.add(path)
    assert tried > 30
    caseless = {"uuid", "genid", "address"}
    assert {path for path in passed if path.rpartition(".")[2] not in caseless} == set()
    assert "domain.uuid" in passed
