"""Machines to attack: the bases, parts laid over them, and places named as people name them.

Knows nothing of classes, policies or findings' rules.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import orjson
import yaml

from webhook.admission.context import AdmissionContext
from webhook.expand.pipeline import expand
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies
from webhook.trees import Tree

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
BASES: dict[str, Tree] = yaml.safe_load((HERE / "bases.yaml").read_text())
# What tells the entries of a list apart.
_KEYS = ("name", "timer", "feature", "id", "cell")
_PART = re.compile(r"([^.\[\]]+)((?:\[[^\]]*\])*)")


@cache
def context(level: str = "restricted") -> AdmissionContext:
    """The shipped policies in this process."""
    return AdmissionContext(Policies(POLICIES, declared_fields(), level))


@cache
def _complete(base: str) -> bytes:
    drawn = Random(base)  # the same identities in each run
    return orjson.dumps(expand(BASES[base], replace(context(), entropy=drawn.randbytes), "spec").spec)


def spec_of(base: str, part: Tree, *, complete: bool) -> Tree:
    """A base's spec with a part laid over it: as the tenant wrote it, or with everything that the service adds."""
    whole: Tree = orjson.loads(_complete(base)) if complete else orjson.loads(orjson.dumps(BASES[base]))
    laid: Tree = laid_over(whole, part)
    return laid


def laid_over(under: Any, over: Any) -> Any:
    """`over` on `under`: objects field by field, entries of lists by their key, all else replaced."""
    if type(under) is dict and type(over) is dict:
        return {**under, **{name: laid_over(under.get(name), value) for name, value in over.items()}}
    if type(under) is list and type(over) is list and all(type(entry) is dict for entry in over):
        return _entries(under, over)
    return over


def _entries(under: list[Any], over: list[Any]) -> list[Any]:
    made = list(under)
    for entry in over:
        told = key_of(entry)
        index = next((at for at, other in enumerate(made) if told and key_of(other) == told), None)
        if index is None:
            made.append(entry)
        else:
            made[index] = laid_over(made[index], entry)
    return made


def key_of(entry: Any) -> tuple[str, Any] | None:
    """What an entry of a list is told by: its name, its timer, its feature, its number."""
    if type(entry) is not dict:
        return None
    return next(((key, entry[key]) for key in _KEYS if type(entry.get(key)) in (str, int)), None)


def manifest(kind: str, spec: Any, name: str = "web-1") -> Tree:
    """An object of this kind around a VM's spec."""
    inner: Any = spec
    for key in reversed(KINDS[kind].spec):
        inner = {key: inner}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": {"name": name}, **inner}


def named(path: str, obj: Any) -> str:
    """A finding's path with entries of lists by what tells them, below the VM's spec: `domain.devices.disks[root]`."""
    made, here = [], obj
    for name, index in _PART.findall(path):
        here = here.get(name) if type(here) is dict else None
        number = index[1:-1]
        if index and number.isdigit() and type(here) is list and int(number) < len(here):
            here = here[int(number)]
            told = key_of(here)
            index = f"[{told[1]}]" if told else index
        made.append(name + index)
    return ".".join(made).removeprefix("spec.").removeprefix("template.spec.")


def generated(tree: Any) -> Any:
    """What is too large to be written: `{$repeat: [x, n]}` a text or list, `{$deep: [key, n]}` nested objects."""
    if type(tree) is list:
        return [generated(item) for item in tree]
    if type(tree) is not dict:
        return tree
    if "$repeat" in tree:
        what, times = tree["$repeat"]
        return what * times if type(what) is str else [generated(what) for _ in range(times)]
    if "$deep" in tree:
        key, times = tree["$deep"]
        made: Any = 0
        for _ in range(times):
            made = {key: made} if key else [made]
        return made
    return {name: generated(value) for name, value in tree.items()}
