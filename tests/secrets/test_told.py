"""What may be a secret is told nowhere, whatever is wrong with it: a canary in every such field, in every way.

One test a way over all fields, so that a new field is tried in all of them; its message names the fields that tell.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.attacks.manifests import spec_of
from tests.secrets.asked import Told
from tests.secrets.fields import CANARY, NUMBER, at, beside, doubled, fitting, leaves, resting, told, wrong
from webhook.declare import DeclaredField
from webhook.kinds import declared_fields

SECRET = leaves(secret=True)
# Without those that stand in what nests in itself: the same declarations once more.
OUTER = {path: place for path, place in SECRET.items() if not re.search(r"(backingStore|mirror|dataStore)\.", path)}
CREDENTIALS = ("password", "token", "secret", "apiKey")
Specs = Callable[[str, DeclaredField], Iterator[Any]]


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    """Whoever is asked, with the logs of all libraries at their most talkative."""
    caplog.set_level(logging.DEBUG)
    yield Told(monkeypatch)
    assert not told(caplog.text)


def wrongly(path: str, place: DeclaredField) -> Iterator[Any]:
    yield from (at(path, value) for value in wrong(place))


def rightly(path: str, place: DeclaredField) -> Iterator[Any]:
    yield at(path, fitting(place))


def with_an_unknown_name_beside(path: str, place: DeclaredField) -> Iterator[Any]:
    for name in (CANARY, f"passwd:{CANARY}", f"password={CANARY}", f"{CANARY}\n"):
        yield at(path, fitting(place)) if "." in name else beside(path, name, 1)


def with_unknown_credentials_beside(path: str, _: DeclaredField) -> Iterator[Any]:
    # Where `secret` is a field, it has the name of a Secret.
    unknown = [name for name in CREDENTIALS if f"{path.rpartition('.')[0]}.{name}" not in declared_fields()]
    assert len(unknown) > 2
    for name in unknown:
        yield beside(path, name, CANARY)
        yield beside(path, name, {CANARY: [CANARY]})


def twice(path: str, place: DeclaredField) -> Iterator[Any]:
    if "[*]" in path:
        yield doubled(path, fitting(place))


WAYS: list[Specs] = [
    wrongly,
    rightly,
    with_an_unknown_name_beside,
    with_unknown_credentials_beside,
    twice,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_a_secret_is_told_nowhere_on_create(way: Specs, tells: Told) -> None:
    fields = SECRET if way is wrongly else OUTER
    leaks = [path for path, place in fields.items() for spec in way(path, place) if told(tells.of(_whole(spec)))]
    assert leaks == []


def test_a_secret_is_told_nowhere_where_an_element_or_a_list_belongs(tells: Told) -> None:
    above = {tuple(path.split(".")[:length]) for path in OUTER for length in range(2, path.count(".") + 1)}
    places_ = sorted(".".join(parts).removesuffix("[*]") for parts in above)
    values: tuple[Any, ...] = ([CANARY], {CANARY: CANARY}, [{CANARY: CANARY}])
    assert [path for path in places_ for value in values if told(tells.of(_whole(at(path, value))))] == []


@pytest.mark.parametrize("way", [wrongly, rightly], ids=["wrong", "right"])
def test_a_secret_is_told_nowhere_by_an_audit(way: Specs, tells: Told) -> None:
    leaks = [path for path, place in OUTER.items() for spec in way(path, place) if told(tells.reported(spec))]
    assert leaks == []


def test_a_secret_of_a_status_is_told_nowhere(tells: Told) -> None:
    leaks = []
    for path, place in OUTER.items():
        if not resting(path):
            for spec in (*wrongly(path, place), *rightly(path, place)):
                if told(tells.of({}, {}, {"current": spec.get("domain")})):
                    leaks.append(path)
    assert leaks == []


def test_a_secret_is_told_nowhere_on_update_whether_it_is_new_gone_changed_or_malformed_where_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaks = []
    for level in ("restricted", "privileged"):
        tells = Told(monkeypatch, level)
        plain = spec_of("pc", {}, complete=True)
        for path, place in OUTER.items():
            holding = _whole(at(path, fitting(place)))
            malformed = _whole(at(path, wrong(place)[0]))
            for new, old in ((holding, plain), (plain, holding), (_changed(path, place), holding), (plain, malformed)):
                if told(tells.of(new, old)):
                    leaks.append(path)
    assert leaks == []


def _whole(spec: Any) -> Any:
    """A complete machine with the case's part in it."""
    return spec_of("pc", spec, complete=True)


def _changed(path: str, place: DeclaredField) -> Any:
    value = fitting(place)
    other = f"{value}x" if isinstance(value, str) and place.field.scalar and not place.field.scalar.values else value
    return _whole(at(path, other))


@pytest.mark.parametrize(
    "name", sorted(path for path in declared_fields() if path.startswith("features.") and path.count(".") == 1)
)
def test_a_secret_where_a_feature_does_not_take_one_is_told_nowhere(name: str, tells: Told) -> None:
    path = name.removesuffix("[*]")
    tried: list[Any] = [
        {"passwd": CANARY},
        {"type": "vnc", "passwd": CANARY},
        {CANARY: 1},
        [CANARY],
        [{"passwd": CANARY}],
    ]
    tried += [{"cells": [{"cpus": [0], "memory": 1, "token": CANARY}]}, {"type": {CANARY: 1}}, {"type": [CANARY]}]
    assert [value for value in tried if told(tells.of({"features": {path.partition(".")[2]: value}}))] == []


def test_a_canary_in_a_field_that_may_be_shown_is_seen(tells: Told) -> None:
    """The test above can fail: what is no secret is told, by the answer's message."""
    assert told(tells.of(at("domain.os.kernel", f"/{CANARY}")))
    assert told(tells.of(at("domain.title", f"{CANARY}\n")))
    assert told(tells.of(at("domain.iothreads", NUMBER)))
    assert told(tells.reported(at("domain.os.kernel", f"/{CANARY}")))
