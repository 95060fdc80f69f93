"""The decisive checks without pytest, the cheapest first: what a mutant of the engine has to pass to survive.

They are the suite's own tables and plain test functions. Those that build anything of policies are imported where the
mutant runs, so that nothing in them was built by the code as it is.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache as cached
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import inspect as inspected
from webhook.domain import domain_shape

DECLARED = Path(__file__).parents[2] / "declare" / "cases.yaml"
Check = Callable[[], object]
# A group of checks, and which of them it is.
Name = tuple[str, str]


def failing(first: Iterable[Name]) -> tuple[Name, str] | None:
    """The first check that does not hold, and why; None where all hold. `first` are asked before all others."""
    name = ("tests", "as they are imported")
    try:
        for name, check in named(first):  # noqa: B007 - told where the check raises
            check()
    except BaseException as error:  # pytest's own failures are no Exception
        return name, f"{type(error).__name__}: {error}"
    return None


def named(first: Iterable[Name]) -> Iterator[tuple[Name, Check]]:
    """Every check once: `first`, as far as they are there, then the others in their order."""
    groups = {group: cached(lambda make=make: dict(make())) for group, make in _GROUPS.items()}
    asked: set[Name] = set()
    for name in chain(first, ((group, title) for group, checks in groups.items() for title in checks())):
        group, title = name
        check = groups[group]().get(title) if group in groups and name not in asked else None
        if check is not None:
            asked.add(name)
            yield name, check


def _module(name: str) -> Any:
    """A module of the policies' tests, or of the admission's."""
    return importlib.import_module(f"tests.{name}" if name.startswith("admission.") else f"tests.policy.{name}")


def _decisions() -> Iterator[tuple[str, Check]]:
    module = _module("language.test_decisions")
    for stem, case in module.CASES:
        yield f"{stem}: {case['title']}", partial(module.test_case, case)


def _table(name: str) -> Iterator[tuple[str, Check]]:
    """A module that asks `test_case` about each of its CASES."""
    module = _module(name)
    for case in module.CASES:
        yield case["title"], partial(module.test_case, case)


def _levels() -> Iterator[tuple[str, Check]]:
    module = _module("test_levels")
    for level, case in module.CASES:
        yield f"{level}: {case['title']}", partial(module.test_suite, level, case)


def _declarations() -> Iterator[tuple[str, Check]]:
    for case in yaml.load(DECLARED.read_text(), yaml.CSafeLoader):
        yield case["title"], partial(_read, case)


def _read(case: dict[str, Any]) -> None:
    tree = case["takes"] if "takes" in case else case["refuses"]
    assert (not inspected(tree, domain_shape(), "d").findings) is ("takes" in case)


def _functions(name: str) -> Iterator[tuple[str, Check]]:
    """The test functions of a module that take nothing. Those of hypothesis draw for too long."""
    for function, value in vars(_module(name)).items():
        plain = function.startswith("test_") and not hasattr(value, "hypothesis")
        if plain and not inspect.signature(value).parameters:
            yield function, value


def _mistakes() -> Iterator[tuple[str, Check]]:
    """What is said of policies that cannot be loaded."""
    module = _module("loading.test_loading")
    for folder in sorted(module.WRONG.iterdir()):
        yield folder.name, partial(_told, module, folder)


def _told(module: Any, folder: Path) -> None:
    assert module.wrong(folder) == (folder / "findings.txt").read_text()


_GROUPS: dict[str, Callable[[], Iterator[tuple[str, Check]]]] = {
    "decisions": _decisions,
    **{
        name: partial(_table, name)
        for name in ("engine.test_marks", "engine.test_series", "engine.test_malformed", "engine.test_reviews")
    },
    "levels": _levels,
    "declarations": _declarations,
    **{
        f"functions of {name}": partial(_functions, name)
        for name in (
            "test_levels",
            "engine.test_marks",
            "engine.test_reviews",
            "engine.test_merged_rules",
            "engine.test_engine",
            "engine.test_series",
            "engine.test_namesakes",
            "engine.test_kept",
            "admission.test_sources",
            "admission.test_restores",
            "admission.test_stated",
        )
    },
    "mistakes": _mistakes,
}
