"""Each kind of check has mutants of its own, and a mutant runs in the place of its function."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest

from tests.policy.mutants.mutation import checks_outside, install, mutants, read
from tests.policy.mutants.recording import Recording, recorded
from tests.policy.mutants.test_mutants import wrong

# One line of a function, and the changes that are made of it.
LINES = {
    "if a < 1: return b": ["a < 1 → True", "a < 1 → False", "a < 1 → a <= 1"],
    "return a and b == 1": ["and a → nothing", "and b == 1 → nothing", "b == 1 → b != 1"],
    "return not a": ["not a → a"],
    "return [x for x in a if x in b]": ["x in b → True", "x in b → x not in b"],
    "return 1 if a is None else 2": ["a is None → True", "a is None → False", "a is None → a is not None"],
    "return all(a)": ["all(a) → any(a)"],
    "b.append(a)": ["b.append(a) → nothing"],
    "a += 1": ["a += 1 → nothing"],
    "while a: a = b": ["a → False"],
    "return b(a, key=1)": ["key=1 → nothing"],
    "return a, 1": ["a of (a, 1) → nothing", "1 of (a, 1) → nothing"],
    "return True": ["True → False"],
    "x: tuple[int, str] = a": [],
    "assert a == 1": [],
    "raise ValueError(a or b)": [],
    "return a": [],
}


@pytest.mark.parametrize("line", LINES)
def test_the_mutants_of_a_line(line: str) -> None:
    found = mutants(ast.parse(f"def f(a, b):\n    {line}\n"))
    assert [each.key for each in found] == [f"f: {change}" for change in LINES[line]]


def test_two_changes_with_the_same_words_are_told_apart() -> None:
    found = mutants(ast.parse("def f(a):\n    return [a == 1, a == 1][0]\n"))
    assert "f: a == 1 → a != 1 (no. 2)" in [each.key for each in found]


def test_an_early_return_that_is_all_its_condition_guards_is_one_mutant() -> None:
    alone = mutants(ast.parse("def f(a):\n    if a:\n        return 1\n    return 2\n"))
    beside = mutants(ast.parse("def f(a):\n    if a:\n        print()\n        return 1\n    return 2\n"))
    assert "f: return 1 → nothing" not in [each.key for each in alone]
    assert "f: return 1 → nothing" in [each.key for each in beside]


def test_a_check_outside_of_functions_is_told() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ast\nX = 1 if not __debug__ else 2\n"
    assert checks_outside(ast.parse(source)) == ["not __debug__"]


def test_a_mutant_runs_in_the_place_of_its_function(tmp_path: Path) -> None:
    file = tmp_path / "small.py"
    file.write_text(
        "from functools import cache\n\n\nclass C:\n    @property\n    def p(self):\n        return 1 == 1\n\n\n"
        "@cache\ndef f(a):\n    def inner():\n        return a > 1\n\n    return inner()\n"
    )
    module = ModuleType("small")
    module.__file__ = str(file)
    exec(compile(file.read_text(), str(file), "exec"), vars(module))
    assert (module.C().p, module.f(1)) == (True, False)
    for key, after in (("C.p: 1 == 1 → 1 != 1", (False, False)), ("f: a > 1 → a >= 1", (True, True))):
        tree = read(module)
        [mutant] = [each for each in mutants(tree) if each.key == key]
        mutant.apply()
        install(module, tree, mutant.function)
        assert (module.C().p, module.f(1)) == after
        install(module, read(module), mutant.function)


def test_a_recording_tells_which_checks_run_a_line(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text("def f(a):\n    if a:\n        return 1\n    # no code\n    return 2\n")
    module = ModuleType("two")
    exec(compile(file.read_text(), str(file), "exec"), vars(module))
    checks = [(("all", "true"), lambda: module.f(True)), (("all", "false"), lambda: module.f(False))]
    recording = Recording.of(recorded([str(file)], [*checks, (("all", "none"), list)], 1.5).text())
    assert recording.seconds == 1.5
    assert {line: {title for _, title in recording.running(str(file), line, range(1, 6))} for line in range(2, 6)} == {
        2: {"true", "false"},
        3: {"true"},
        4: {"true", "false"},  # of the whole function, since nothing runs there
        5: {"false"},
    }


def test_a_survivor_that_is_not_listed_and_a_listed_one_that_is_none_are_told() -> None:
    outcomes = [("a", "survived"), ("b", "survived"), ("c", "killed"), ("d", "killed by time"), ("e", "broken")]
    found = {"mutants": [{"mutant": key, "line": 1, "outcome": outcome, "by": "x"} for key, outcome in outcomes]}
    assert list(wrong(found, {"a", "c", "gone"})) == [
        "survives: line 1: b",
        "is listed and does not survive: c (x)",
        "cannot be made: line 1: e (x)",
        "is listed and is not there: gone",
    ]
