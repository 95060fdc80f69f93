"""What a condition needs to be a formula in CEL without knowing the export: the value, and the spelling.

`webhook.policy.vap.cel` is a `Cel`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from webhook.declare import Field


class Inexpressible(Exception):
    """A condition that CEL has no words for; the message says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class CelValue:
    """The value that a formula is about, as CEL names it, and the field that it stands in.

    `checked` is the field that the condition was checked against; None where a rule selects by class alone.
    """

    words: str
    field: Field
    checked: Field | None


class Cel(Protocol):
    """Formulas of type bool as texts, and terms in them."""

    TRUE: str
    FALSE: str

    def text(self, content: str) -> str: ...

    def among(self, value: str, wanted: Iterable[object]) -> str: ...

    def all_of(self, parts: Iterable[str]) -> str: ...

    def any_of(self, parts: Iterable[str]) -> str: ...

    def negated(self, formula: str) -> str: ...

    def is_amount(self, value: str) -> str: ...

    def quantity(self, value: str) -> str: ...

    def is_quantity(self, value: str) -> str: ...

    def any_quantity(self, value: str) -> str: ...

    def kib_quantity(self, amount: int) -> str: ...

    def known_name(self, value: str, table: str) -> str: ...
