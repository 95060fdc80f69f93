"""Run the mutants of one module, each in a process of its own, and print what became of them as JSON.

python -m tests.policy.mutants --record recording.json
python -m tests.policy.mutants [--listed] --recording recording.json webhook.policy.language.cross_field

The first line asks the checks of the code as it is, which has to pass, and writes which lines each runs.

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
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.policy.mutants.checks import Name, failing, named
from tests.policy.mutants.mutation import Mutant, checks_outside, install, mutants, read
from tests.policy.mutants.processes import forked, used
from tests.policy.mutants.recording import Recording, recorded

# What the checks need, so that not every process pays for it. The last has made the declared places.
_LOADED = (
    "pytest",
    "hypothesis",
    "webhook.admission.offline",
    "webhook.policy",
    "tests.policy.language.test_decisions",
)
SURVIVED, KILLED, SLOW, BROKEN, LISTED = "survived", "killed", "killed by time", "broken", "listed"
# Seconds of a processor for the code as it is; a mutant may take so many times what that took.
_LONGEST, _TIMES = 300.0, 4


def record() -> Recording:
    """The checks of the code as it is, which pass, and what each runs; RuntimeError: what does not pass.

    They are asked twice: how long they take shows where nothing traces them.
    """
    _load(_LOADED[:-1])
    _, said = next(forked([None], lambda _: json.dumps(failing(())).encode(), _LONGEST))
    if said != b"null":
        raise RuntimeError(f"the code as it is does not pass: {said!r}")
    files = [str(importlib.import_module(name).__file__) for name in targets()]
    return recorded(files, named(()), used())


def run(name: str, recording: Recording, *, listed: bool) -> dict[str, Any]:
    """The outcome of each mutant; checks that no mutant is made of; unknown functions.

    `listed`: whether those that are listed as survivors are run, too.
    """
    _load(_LOADED[:-1] if name.startswith("webhook.declare.") else _LOADED)
    module = importlib.import_module(name)
    tree = read(module)
    only = (targets()[name] or {}).get("only")
    made = [each for each in mutants(tree) if only is None or each.function in only]
    left_out = set() if listed else {key for keys in survivors().get(name, {}).values() for key in keys}
    gc.freeze()  # what forked processes share stays shared
    outcomes = _outcomes(module, tree, recording, [each for each in made if each.key not in left_out])
    return {
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


def _load(modules: Iterable[str]) -> None:
    for each in modules:
        importlib.import_module(each)


def _outcomes(
    module: types.ModuleType, tree: ast.Module, recording: Recording, made: list[Mutant]
) -> dict[Mutant, dict[str, str]]:
    killers: dict[Name, None] = {}
    found: dict[Mutant, dict[str, str]] = {}
    judged = partial(_judged, module, tree, recording, killers)
    for mutant, said in forked(made, judged, _TIMES * recording.seconds):
        if isinstance(said, int):
            outcome = {"outcome": SLOW if said == signal.SIGPROF else BROKEN, "by": f"signal {said}"}
        else:
            outcome = json.loads(said or b'{"outcome": "broken", "by": "its process ended"}')
        if "check" in outcome:
            name = (outcome.pop("group"), outcome.pop("check"))
            killers.pop(name, None)
            killers[name] = None
            outcome["by"] = f"{': '.join(name)}: {outcome['by']}"
        found[mutant] = outcome
    return found


def _judged(
    module: types.ModuleType, tree: ast.Module, recording: Recording, killers: dict[Name, None], mutant: Mutant
) -> bytes:
    """In the forked process: the mutant's code in its place, then the checks; what came of it as JSON."""
    try:
        mutant.apply()
        install(module, tree, mutant.function)
    except Exception as error:
        return json.dumps({"outcome": BROKEN, "by": repr(error)}).encode()
    running = [*recording.running(str(module.__file__), mutant.line, mutant.within)]
    # What killed the last ones first, of what runs the line.
    failed = failing([*(each for each in reversed(killers) if each in set(running)), *running])
    if failed is None:
        return json.dumps({"outcome": SURVIVED}).encode()
    (group, check), why = failed
    return json.dumps({"outcome": KILLED, "group": group, "check": check, "by": why[:500]}).encode()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m tests.policy.mutants")
    arguments.add_argument("--record", type=Path, metavar="FILE", help="write which checks run which lines")
    arguments.add_argument("--recording", type=Path, metavar="FILE", help="what --record has written")
    arguments.add_argument("--listed", action="store_true", help="run the mutants that are listed as survivors, too")
    arguments.add_argument("module", nargs="?", choices=sorted(targets()))
    given = arguments.parse_args()
    if given.record:
        given.record.write_text(record().text())
    else:
        read_back = Recording.of(given.recording.read_text())
        json.dump(run(given.module, read_back, listed=given.listed), sys.stdout, indent=1)
