"""The list of what attackers try is covered: three attacks and a harmless twin for every item of it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.attacks.attack_cases import ITEMS, cases
from tests.attacks.manifests import HERE

FEWEST = 3
ATTACKS = Counter((case.file, case.item) for case in cases() if case.is_attack)
TWINS = Counter((case.file, case.item) for case in cases() if not case.is_attack)


@pytest.mark.parametrize("file", ITEMS)
def test_every_item_has_three_attacks_and_a_twin(file: str) -> None:
    lacking = [
        f"{item}: {ATTACKS[file, item]} attacks, {TWINS[file, item]} twins"
        for item in ITEMS[file]
        if ATTACKS[file, item] < FEWEST or not TWINS[file, item]
    ]
    assert lacking == []


def test_every_case_is_about_an_item_of_the_list() -> None:
    assert {path.stem for path in (HERE / "cases").glob("*.yaml")} == set(ITEMS)
    assert [case.id for case in cases() if case.item not in ITEMS[case.file]] == []


def test_titles_of_an_item_differ() -> None:
    seen = Counter(case.id for case in cases())
    assert [title for title, times in seen.items() if times > 1] == []
