"""A fuzz against a second opinion: whatever is accepted, nothing that a tenant wrote stands where the host looks.

ATTACK_EXAMPLES=N runs N other examples instead of the same ones as always.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.admitting import CREATED, PAST_MUTATION, UPDATED, WAYS, admitted
from tests.attacks.judge import objections
from tests.attacks.manifests import BASES, context, spec_of
from tests.attacks.planting import ALL, BASE_NAMES, MOST, TOMBSTONES, Plant, hostile, planted, possible, put
from webhook.declare import DeclaredField

ASKED = os.environ.get("ATTACK_EXAMPLES")
EXAMPLES = int(ASKED or 20_000)
# Of all examples of a way. A fuzz that is only ever refused proves nothing.
FEWEST_ACCEPTED = 0.1
NUMBERS = st.integers(0, 2**16 - 1)
PLANTS = st.lists(st.builds(Plant, NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=MOST)


def test_whatever_is_accepted_reaches_nothing_of_the_host() -> None:
    seen: Counter[tuple[str, bool]] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=ASKED is None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(BASES) - 1), st.sampled_from(WAYS), PLANTS)
    def fuzz(base: int, way: str, plants: list[Plant]) -> None:
        spec, texts = planted(base, way != CREATED, plants)
        stored = spec_of(BASE_NAMES[base], {}, complete=True) if way == UPDATED else None
        final = admitted(spec, way, context(), stored)
        seen[way, final is not None] += 1
        if final is not None:
            assert objections(final["domain"], "web-1", texts) == []

    fuzz()
    assert seen.total() >= EXAMPLES
    accepted = {way: seen[way, True] / (seen[way, True] + seen[way, False]) for way in WAYS}
    assert min(accepted.values()) > FEWEST_ACCEPTED, accepted


def takes(place: DeclaredField) -> list[Any]:
    """Values that the field takes, whatever policies say of them: all of an enumeration, a few of others."""
    scalar = place.field.scalar
    if scalar is None:
        return [{}]
    fitting = [value for value in possible(scalar.schema) if scalar.check(value) is None]
    return fitting if "enum" in scalar.schema else fitting[:3]


@pytest.mark.parametrize("places", [ALL, TOMBSTONES], ids=["features and domain", "tombstones"])
def test_no_single_value_reaches_the_host_or_breaks_the_service(places: list[DeclaredField]) -> None:
    """Every declared place once with each value that it takes, and with one that it should not take."""
    wrong = []
    for number, place in enumerate(places):
        fitting = takes(place) if places is ALL else []
        for value, way in ((hostile(number), PAST_MUTATION), *((value, CREATED) for value in fitting)):
            spec = spec_of("pc", {}, complete=way != CREATED)
            put(spec, place.path, value, number)
            try:
                final = admitted(spec, way, context())
                found = objections(final["domain"], "web-1") if final is not None else []
            except Exception as error:  # whatever it is, it is the finding
                found = [repr(error)]
            wrong += [f"{place.path} = {value!r}, {way}: {line}" for line in found]
    assert wrong == []
