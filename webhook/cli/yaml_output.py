"""YAML that every reader reads alike: with quotes around words that are booleans, or numbers, to some."""

from __future__ import annotations

import re
from typing import Any

import yaml

from webhook.declare.scalars import Fraction
from webhook.yaml_dialects import EXPONENT, LETTER_BOOLEAN, OCTAL, SEXAGESIMAL


def _number(dumper: Any, value: Fraction) -> yaml.Node:
    return dumper.represent_float(float(value))  # type: ignore[no-any-return]


class _Shared(yaml.CSafeDumper):
    """Parts of a tree that are the same object are written once, with an anchor."""


_Shared.add_representer(Fraction, _number)
_Shared.add_implicit_resolver("tag:yaml.org,2002:bool", LETTER_BOOLEAN, list("yYnN"))
# Such as a MAC address of digits alone. A pattern of PyYAML's resolvers matches at the beginning alone.
for _written, _kind in ((SEXAGESIMAL, "int"), (OCTAL, "int"), (EXPONENT, "float")):
    _whole = re.compile(rf"(?:{_written.pattern})\Z")
    _Shared.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _whole, list("-+.0123456789"))


class _Whole(_Shared):
    """They are written out wherever they stand."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def written(trees: list[Any], *, shared: bool = False) -> str:
    """The trees as YAML documents; with `shared`, large repetitive ones are a third of the size and have anchors."""
    dumper = _Shared if shared else _Whole
    made: str = yaml.dump_all(trees, None, dumper, sort_keys=False, allow_unicode=True, width=120)
    return made
