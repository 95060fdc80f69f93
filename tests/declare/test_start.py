"""What a start pays for: the packages that an import brings with it, counted in an interpreter of its own.

Seconds depend on the machine and are for `make bench`; which packages are there does not.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADMISSION = "import webhook.admission.mutate, webhook.admission.validate"
CLI = "from webhook.cli import found; found()"
HOOK = "from webhook.cli import main; main(['hook', '--vmi', '{}', '--domain', '<domain/>'])"
VERB = "from webhook.cli import main; main(['check', 'examples/proposal-features.yaml'])"
SERVER = "import webhook.server.app"
MODEL = "from webhook.declare.model import model_of; from webhook.domain import Domain; model_of(Domain)"
FEATURES = "webhook.features.features_shape()"
DOMAIN = "webhook.domain.domain_shape()"
# All that an admission needs beside the standard library.
NEEDED = {"google-re2", "orjson", "PyYAML"}
# Parts of the standard library that cost more than ours.
COSTLY = {"asyncio", "email", "http", "importlib.metadata", "importlib.resources", "ssl", "unittest", "xml"}


@cache
def after(statement: str, asked: str) -> str:
    """What an expression is in a fresh interpreter that has run the statement, as text."""
    probe = f"import sys\n{statement}\nprint('answer:', {asked})"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.rpartition("answer:")[2].strip()


def modules(statement: str) -> set[str]:
    return set(after(statement, "*sys.modules").split())


def packages(statement: str) -> set[str]:
    """The distributions that the statement's modules are of, but for ours and the environment's own."""
    known = packages_distributions()
    return {name for module in modules(statement) for name in known.get(module, ())} - {"setuptools", "vmconfig"}


@pytest.mark.parametrize("statement", [ADMISSION, CLI, VERB])
def test_neither_an_admission_nor_a_verb_imports_more_than_it_needs(statement: str) -> None:
    assert packages(statement) == NEEDED
    assert modules(statement) & COSTLY == set()


def test_a_hook_for_which_a_start_of_kubevirts_waits_imports_less_than_other_verbs() -> None:
    assert packages(HOOK) == NEEDED - {"google-re2"}
    assert modules(HOOK) & COSTLY == {"xml"}


def test_a_server_does_import_what_it_serves_with() -> None:
    assert packages(SERVER) >= {"fastapi", "prometheus_client", "pydantic", "watchfiles"}
    assert "asyncio" in modules(SERVER)


def test_a_server_imports_neither_the_reader_of_xml_nor_the_client_of_a_cluster_before_it_needs_them() -> None:
    assert packages(SERVER) & {"kubernetes", "lxml"} == set()


def test_a_declaration_becomes_a_pydantic_model_where_somebody_asks() -> None:
    assert modules(MODEL) >= {"webhook.declare.model", "pydantic.main"}


def test_a_declaration_does_not_become_a_pydantic_model_where_nobody_asks() -> None:
    assert "webhook.declare.model" not in modules(SERVER)


def test_an_import_compiles_the_declarations_of_features_and_not_those_of_the_domain() -> None:
    compiled = "webhook.declare.shape_of.cache_info().currsize"
    few = int(after(f"{ADMISSION}\n{FEATURES}", compiled))
    assert int(after(ADMISSION, compiled)) == few
    assert int(after(f"{ADMISSION}\n{DOMAIN}", compiled)) > 10 * few
