"""Every number that a tenant may write is in a total, or told why it costs the host nothing (costs.yaml)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.policy.context import PLACES
from webhook.declare import Backend
from webhook.policy import Loading, load, shipped
from webhook.policy.language.field_content import MEMORY, NUMBER, SET, holding
from webhook.policy.language.totals import totals

FREE: dict[str, str] = yaml.safe_load(Path(__file__).with_name("costs.yaml").read_text())
COUNTED = {path for total in totals().values() for path in total.paths}
# What devices take of the host. How much memory and how many vCPUs a VM has is the site's to limit, as it has nodes.
OF_DEVICES = {"devices", "device-memory", "threads", "queues"}


def numbers() -> Iterator[str]:
    """The declared fields of the domain, in which features end, that hold numbers and need no permit."""
    for path, place in PLACES.items():
        mine = path.startswith("domain.") and not isinstance(place.field_class, Backend)
        if mine and holding(place.field) in (NUMBER, MEMORY, SET):
            yield path


def rows(path: str) -> list[str]:
    """The rows of the table that are about a field."""
    return [row for row in FREE if row == path or (row.startswith("*") and path.endswith(row[1:]))]


NUMBERS = list(numbers())


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_is_in_a_total_or_said_to_cost_nothing(path: str) -> None:
    assert (path in COUNTED) + len(rows(path)) == 1, "add it to totals.yaml, or to costs.yaml with a reason"


def test_what_is_said_to_cost_nothing_is_there() -> None:
    assert {row for path in NUMBERS for row in rows(path)} == set(FREE)
    assert all(len(reason) > 5 for reason in FREE.values())


def test_what_totals_count_is_declared() -> None:
    assert {path for path in COUNTED if path not in PLACES} == set()


@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_the_level_limits_what_devices_take_of_the_host(level: str) -> None:
    [policy] = [each for each in load(shipped(), Loading(PLACES)).engine.policies if each.name == level]
    assert {rule.selector.total for rule in policy.rules} - {""} == OF_DEVICES
