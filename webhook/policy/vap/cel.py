"""How things are spelled in CEL, the API server's expression language. Knows nothing of policies.

Formulas are texts of type bool; `TRUE` and `FALSE` vanish where they are joined with others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill, indent

TRUE, FALSE = "true", "false"
_WIDTH = 110
_SIMPLE = re.compile(r"!?[\w.\[\]?]+(\(\))?")
# What CEL's integers hold; no other number is equal to one.
_LARGEST = 2**63
# The variable with the tables of names that are known of fields.
KNOWN = "known"


def text(content: str) -> str:
    """A string literal."""
    return "'" + "".join(map(_escaped, content)) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"


# Of a quantity, what declare/quantity.py takes; CEL's quantities know more forms.
_QUANTITY = text("^[0-9]{1,18}([.][0-9]{1,9})?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$")


def literal(value: str | int | bool) -> str:
    """A literal of any of these types."""
    if isinstance(value, str):
        return text(value)
    return str(value).lower()


def among(value: str, wanted: Iterable[object]) -> str:
    """Whether `value` is one of these texts, numbers and booleans, which CEL wants to be of one type in a list."""
    known = [each for each in wanted if isinstance(each, str | bool) or (isinstance(each, int) and _fits(each))]
    if not known:
        return FALSE
    mixed = len({type(each) for each in known}) > 1
    literals = sorted(literal(each) for each in known)
    if len(literals) == 1:
        return f"{value} == {literals[0]}"
    return f"{value} in [{', '.join(f'dyn({each})' if mixed else each for each in literals)}]"


def _fits(number: int) -> bool:
    return -_LARGEST <= number < _LARGEST


def all_of(parts: Iterable[str]) -> str:
    """All formulas hold."""
    return _joined(parts, " && ", TRUE, FALSE)


def any_of(parts: Iterable[str]) -> str:
    """One of the formulas holds."""
    return _joined(parts, " || ", FALSE, TRUE)


def negated(formula: str) -> str:
    """The formula does not hold."""
    if formula in (TRUE, FALSE):
        return FALSE if formula == TRUE else TRUE
    return f"!{formula}" if _SIMPLE.fullmatch(formula) and not formula.startswith("!") else f"!({formula})"


def _joined(parts: Iterable[str], by: str, neutral: str, deciding: str) -> str:
    kept = [part for part in dict.fromkeys(parts) if part != neutral]
    if deciding in kept:
        return deciding
    if len(kept) < 2:
        return kept[0] if kept else neutral
    return by.join(part if _SIMPLE.fullmatch(part) else f"({part})" for part in kept)


def is_amount(value: str) -> str:
    """Whether a value is an amount of whole KiB; CEL takes no quantity with a fraction for a whole number."""
    rounded = f"quantity(string(int(quantity({value}).asApproximateFloat() / 1024.0)) + 'Ki')"
    whole = f"{rounded}.compareTo(quantity({value})) == 0"
    return f"type({value}) == int ? {value} >= 0 : ({value}.matches({_QUANTITY}) && {whole})"


def quantity(value: str) -> str:
    """An amount of memory as a quantity; a bare number is MiB."""
    return f"(type({value}) == int ? quantity(string({value}) + 'Mi') : quantity({value}))"


def is_quantity(value: str) -> str:
    """Whether a value is a quantity of Kubernetes', as a text or a number."""
    return f"isQuantity(string({value}))"


def any_quantity(value: str) -> str:
    """A text or a number that is a quantity as one; a bare number is itself."""
    return f"quantity(string({value}))"


def kib_quantity(amount: int) -> str:
    """A number of KiB as a quantity."""
    return f"quantity('{amount}Ki')"


def known_name(value: str, table: str) -> str:
    """Whether a value is a name in one of the tables of the variable KNOWN."""
    return f"{value} in variables.{KNOWN}[{text(table)}]"


def globbed(patterns: Sequence[str], name: str) -> str:
    """Whether the text `name` is of one of these forms, in which `*` stands for any characters."""
    plain = [pattern for pattern in patterns if "*" not in pattern]
    starred = [_regex(pattern) for pattern in patterns if "*" in pattern]
    parts = [among(name, plain)]
    if starred:
        parts.append(f"{name}.matches({text('^(?s:' + '|'.join(starred) + ')$')})")
    return any_of(parts)


def _regex(pattern: str) -> str:
    return ".*".join(map(re.escape, pattern.split("*")))


def table(rows: Mapping[str, Mapping[str, object]]) -> str:
    """A map of maps, a row of the outer one a paragraph."""
    return "{\n" + ",\n".join(f"  {text(name)}: {_row(row)}" for name, row in rows.items()) + "\n}"


def _row(row: Mapping[str, object]) -> str:
    # Words may not be broken inside of literals: their blanks are hidden from the filling.
    content = ", ".join(f"{text(key)}: {_cell(value)}".replace(" ", "\0") for key, value in row.items())
    return f"{{{content}}}".replace("\0", " ") if len(content) < _WIDTH - 30 else _filled(content)


def _filled(content: str) -> str:
    filled = fill(content, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "{\n" + indent(filled.replace("\0", " "), "    ") + "\n  }"


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{text(key)}: {text(inner)}" for key, inner in value.items()) + "}"
    return text(str(value))
