"""What is added in one place works; the suite is red until it has its case and its line in the docs, and names it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.extending.overlay import HERE, PLACES, ROOT, overlay

# Each test that asks for what is still missing, and what it says of whom.
ASKED = {
    "tests/features/test_features.py::test_each_feature_has_cases_that_give_and_cases_that_do_not": "{'pedal': 0}",
    "tests/docs/test_docs.py::test_every_feature_is_documented": "pedal",
    "tests/chart/test_manifests.py::test_the_generated_files_are_what_the_generator_writes": "run `make generate`",
    "tests/guests/test_guests.py::test_each_guest_has_a_case": "'fake-os', 'fake-os 4'",
    "tests/docs/test_docs.py::test_every_guest_is_documented": "fake-os",
    "tests/consistency/test_rules.py::test_every_rule_refuses_some_case": "titles_are_spoken_softly",
    "tests/docs/test_docs.py::test_the_reference_is_what_the_generator_writes": "run `make generate`",
    "tests/policy/language/test_conditions.py::test_every_condition_is_in_the_pages_table": "['ends-with']",
    "tests/cli/test_cli.py::test_every_verb_is_in_the_readme": "['count']",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each of these tests says where all five are added."""
    parts = ("webhook", "policies", "tests", "docs", "charts", "README.md", "pyproject.toml")
    folder = overlay(tmp_path_factory.mktemp("incomplete"), *PLACES, parts=parts)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rf", *ASKED]
    environment = {"PYTHONPATH": str(folder), "COLUMNS": "1000"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    lines = (line.removeprefix("FAILED ").partition(" - ") for line in done.stdout.splitlines() if " - " in line)
    return {test: said for test, _, said in lines}


@pytest.mark.parametrize(("test", "said"), ASKED.items(), ids=[test.partition("::")[2] for test in ASKED])
def test_the_suite_names_what_has_no_case_and_no_line(told: dict[str, str], test: str, said: str) -> None:
    assert said in told[test]


def test_there_is_a_place_for_each_of_the_fakes() -> None:
    assert sorted(PLACES) == sorted(file.name for file in (HERE / "fakes").iterdir() if file.is_file())


def test_each_point_is_on_the_page_with_its_folder_and_its_test() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    tests = [f"tests/extending/{file.name}" for file in HERE.glob("test_new_*.py")]
    assert len(tests) == len(PLACES)
    assert [each for each in (*PLACES.values(), *tests) if f"`{each}" not in page] == []
