"""Run the mutants of one module, each in a process of its own, and print what became of them as JSON.

python -m tests.policy.mutants [--listed] webhook.policy.language.cross_field

Those that `survivors.yaml` lists have to pass all checks to be what they are said to be, which takes as long as all
others together: they are run with `--listed`.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import json
import signal
import sys
import types
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from tests.policy.mutants.checks import Name, failing
from tests.policy.mutants.mutation import Mutant, checks_outside, install, mutants, read
from tests.policy.mutants.processes import forked, used

# What the checks need, so that not every process pays for it. The last has made the declared places.
_LOADED = (
    "pytest",
    "hypothesis",
    "webhook.admission.offline",
    "webhook.policy",
    "tests.policy.language.test_decisions",
)
# So many of the checks that killed others are asked first.
_KILLERS = 8
SURVIVED, KILLED, SLOW, BROKEN, LISTED = "survived", "killed", "killed by time", "broken", "listed"
# Seconds of a processor for the code as it is; a mutant may take so many times what that took.
_LONGEST, _TIMES = 300.0, 4


def run(name: str, *, listed: bool) -> dict[str, Any]:
    """The outcome of each mutant, and of the module as it is; checks that no mutant is made of; unknown functions.

    `listed`: whether those that are listed as survivors are run, too.
    """
    of_declarations = name.startswith("webhook.declare.")
    for each in _LOADED[:-1] if of_declarations else _LOADED:
        importlib.import_module(each)
    module = importlib.import_module(name)
    tree = read(module)
    only = (targets()[name] or {}).get("only")
    made = [each for each in mutants(tree) if only is None or each.function in only]
    left_out = set() if listed else {key for keys in survivors().get(name, {}).values() for key in keys}
    gc.freeze()  # what forked processes share stays shared
    outcomes = _outcomes(module, tree, [each for each in made if each.key not in left_out])
    return {
        "whole": outcomes[None],
        "mutants": [
            {"mutant": each.key, "line": each.line, **outcomes.get(each, {"outcome": LISTED})} for each in made
        ],
        "outside": checks_outside(tree),
        "unknown": sorted(set(only or ()) - {each.function for each in made}),
    }


def targets() -> dict[str, Any]:
    """The modules whose mutants are made; `only` of some of their functions where a module says so."""
    said: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "targets.yaml").read_text())
    return said


def survivors() -> dict[str, dict[str, list[str]]]:
    """By module, then by the reason why, the mutants that decide what the code as it is does."""
    listed: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "survivors.yaml").read_text())
    return listed


def _outcomes(module: types.ModuleType, tree: ast.Module, made: list[Mutant]) -> dict[Mutant | None, dict[str, str]]:
    killers: list[Name] = []
    found: dict[Mutant | None, dict[str, str]] = {}
    judged = partial(_judged, module, tree, killers)
    whole = [*forked([None], judged, _LONGEST)]
    for mutant, said in chain(whole, forked(made, judged, _TIMES * used())):
        if isinstance(said, int):
            outcome = {"outcome": SLOW if said == signal.SIGPROF else BROKEN, "by": f"signal {said}"}
        else:
            outcome = json.loads(said or b'{"outcome": "broken", "by": "its process ended"}')
        if "check" in outcome:
            name = (outcome.pop("group"), outcome.pop("check"))
            killers[:] = [name, *(each for each in killers if each != name)][:_KILLERS]
            outcome["by"] = f"{': '.join(name)}: {outcome['by']}"
        found[mutant] = outcome
    return found


def _judged(module: types.ModuleType, tree: ast.Module, killers: list[Name], mutant: Mutant | None) -> bytes:
    """In the forked process: the mutant's code in its place, then the checks; what came of it as JSON."""
    try:
        if mutant is not None:
            mutant.apply()
            install(module, tree, mutant.function)
    except Exception as error:
        return json.dumps({"outcome": BROKEN, "by": repr(error)}).encode()
    failed = failing(killers)
    if failed is None:
        return json.dumps({"outcome": SURVIVED}).encode()
    (group, check), why = failed
    return json.dumps({"outcome": KILLED, "group": group, "check": check, "by": why[:500]}).encode()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m tests.policy.mutants")
    arguments.add_argument("--listed", action="store_true", help="run the mutants that are listed as survivors, too")
    arguments.add_argument("module", choices=sorted(targets()))
    given = arguments.parse_args()
    json.dump(run(given.module, listed=given.listed), sys.stdout, indent=1)
