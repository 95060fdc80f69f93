"""Attacks and their harmless twins as data: the files of `cases/`, and the list of what each file is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from tests.attacks.manifests import HERE, generated
from webhook.trees import Tree

ITEMS: dict[str, list[str]] = yaml.safe_load((HERE / "items.yaml").read_text())
# Where a case's part stands in a VM's spec, by the word that it is given under.
_PARTS = {"spec": "", "features": "features", "abi": "abi", "domain": "domain", "devices": "domain.devices"}
# Rules of the service's own checks: they are the same at every level.
_LEVEL_RULES = ("no-", "few-")

Findings = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """One attack, or one twin (nothing is `refused`): what a tenant writes, and where it is refused by which rule.

    `through`: there is nothing to refuse before the mutating half has expanded it. `raw` is JSON text of a spec,
    which a tree cannot say; `yaml` a whole file for the command line.
    """

    file: str
    item: str
    title: str
    part: Tree
    at: str = ""
    refused: Findings = frozenset()
    base: str = "pc"
    level: str = "restricted"
    through: bool = False
    raw: str = ""
    status: int = 200
    yaml: str = ""
    extra: Tree = field(default_factory=dict)

    @property
    def is_attack(self) -> bool:
        return bool(self.refused) or self.status != 200

    @property
    def id(self) -> str:
        return f"{self.file}: {self.item}: {self.title}"

    def entombed(self) -> Tree | None:
        """The same devices as tombstones; None where the case is about anything else."""
        return {"abi": {"tombstones": self.part["domain"]["devices"]}} if self.at == "domain.devices" else None


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every file."""
    return tuple(case for file in ITEMS for case in _read(file))


def _read(file: str) -> Iterator[Case]:
    items: Tree = yaml.safe_load((HERE / "cases" / f"{file}.yaml").read_text()) or {}
    for item, sides in items.items():
        for side in ("attacks", "twins"):
            for said in sides.get(side, ()):
                case = _case(file, item, said)
                assert case.is_attack == (side == "attacks"), f"{case.id}: stands among the {side}"
                yield case


def _case(file: str, item: str, said: Tree) -> Case:
    word = next((word for word in _PARTS if word in said), "spec")
    at, level = _PARTS[word], said.get("level", "restricted")
    refused = said.get("refused", {})
    return Case(
        file=file,
        item=item,
        title=said["title"],
        part=_at(generated(said.get(word, {})), at),
        at=at,
        refused=frozenset(_finding(at, path, rule, level) for path, rules in refused.items() for rule in _many(rules)),
        base=said.get("base", "pc"),
        level=level,
        through=said.get("through", False),
        raw=said.get("raw", ""),
        status=said.get("status", 200),
        yaml=said.get("yaml", ""),
    )


def _at(part: Any, at: str) -> Tree:
    for key in reversed(at.split(".") if at else ()):
        part = {key: part}
    made: Tree = part
    return made


def _many(rules: Any) -> list[str]:
    return rules if isinstance(rules, list) else [rules]


def _finding(at: str, path: str, rule: str, level: str) -> tuple[str, str]:
    """Paths are relative to the case's part, or from the spec with a leading dot; rules of a level need no level."""
    whole = path[1:] if path.startswith(".") else ".".join(filter(None, (at, path)))
    return whole, f"{level}/{rule}" if rule.startswith(_LEVEL_RULES) else rule
