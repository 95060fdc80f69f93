"""The lexical types of leaves: which JSON value a field takes, and how libvirt's XML writes it.

A `Scalar` is the one place that knows a type's check, its schema and its text. Pydantic models, the fast
inspection, the CRDs and the XML renderer all use the same object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from webhook.declare.quantity import kib, nano, nearby, written

Check = Callable[[Any], str | None]

# XML 1.0 has no place for C0 controls; line ends would break out of one-line texts, and the marks that
# reorder or hide text (bidi controls, zero-width characters) let one string look like another.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff"
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The names of `what` that `whose` table has, and names of others for some of them."""

    whose: str
    what: str
    names: frozenset[str]
    others: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A leaf's type.

    `schema` is its OpenAPI v3 schema, `check` returns the problem with a JSON value or None,
    `to_text` and `from_text` translate between JSON value and XML text (`from_text` raises ValueError).
    `presence` marks a bool that XML writes as an element being there; `bounds` are an integer's ends; `what` says in
    words what the pattern of a text is. `known` gives the names that are known of a text which takes others too, and
    is read only where somebody asks. `meaning` gives a value in the form in which all that libvirt reads alike is
    equal; None where only the value itself is. `advice` says what to write instead of a value that is refused, empty
    where that is not known.
    """

    schema: dict[str, Any]
    check: Check
    to_text: Callable[[Any], str] = str
    from_text: Callable[[str], Any] = str
    presence: bool = False
    values: tuple[str, ...] = field(default=())
    bounds: tuple[int, int] = (0, 0)
    what: str = ""
    known: Callable[[], Known] | None = None
    meaning: Callable[[Any], Any] | None = None
    advice: Callable[[Any], str] | None = None
    # Whether a value is a set of numbers, which has no one type of JSON.
    is_set: bool = False
    # How another value is made where the value tells one machine from all others, one of `identities.py`.
    identity: str = ""

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values say the same: `4Gi` and 4096, a MAC address in either case; of wrong ones, none other."""
        if one == other and type(one) is type(other):
            return True
        if self.meaning is None or self.check(one) is not None or self.check(other) is not None:
            return False
        return bool(self.meaning(one) == self.meaning(other))


def text(
    longest: int = 256,
    pattern: str = "",
    what: str = "",
    *,
    caseless: bool = False,
    known: Callable[[], Known] | None = None,
) -> Scalar:
    """A string of 1 to `longest` characters without control characters; `pattern` is matched whole.

    Texts are equal where their characters are; `caseless` is for what libvirt reads as a number in hex.
    """

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return f"is {told_as(value)}, expected a string"
        if not 0 < len(value) <= longest:
            return f"has {len(value)} characters, expected 1 to {longest}"
        if not (value.isascii() and value.isprintable()) and UNSAFE.search(value):
            return f"`{shown(value)}` contains control or invisible characters"
        if pattern and not _form(pattern)(value):
            return f"`{shown(value)}` is not {what or 'of the form ' + pattern}"
        return None

    schema: dict[str, Any] = {"type": "string", "maxLength": longest, "minLength": 1}
    if pattern:
        schema["pattern"] = f"^(?:{pattern})$"
    return Scalar(schema, check, what=what, known=known, meaning=str.lower if caseless else None)


# Package data: one entry a declared pattern. They are many, and a start needs few of them.
@cache
def _form(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """What matches a text as a whole."""
    return re.compile(pattern).fullmatch


def choice(*values: str) -> Scalar:
    """One of a closed set of strings."""
    allowed = frozenset(values)

    def check(value: Any) -> str | None:
        if type(value) is str and value in allowed:
            return None
        if type(value) is not str:
            return f"is {told_as(value)}, expected one of {listed(values)}"
        return f"`{shown(value)}` is not one of {listed(values)}"

    return Scalar({"type": "string", "enum": list(values)}, check, values=values)


def integer(lowest: int = 0, highest: int = 2**31 - 1, hex_digits: int = 0) -> Scalar:
    """A whole number in [lowest, highest]; XML writes it in decimal, or as 0x… with `hex_digits` digits."""

    def check(value: Any) -> str | None:
        if type(value) is not int:
            return f"is {told_as(value)}, expected a whole number"
        if not lowest <= value <= highest:
            return f"is {shown(value)}, expected {lowest} to {highest}"
        return None

    def to_text(value: int) -> str:
        return f"0x{value:0{hex_digits}x}" if hex_digits else str(value)

    def from_text(content: str) -> int:
        return whole(content, 0)

    schema: dict[str, Any] = {"type": "integer", "minimum": lowest}
    # An API server reads bounds as floats: the end of int64 becomes one too much there, and then a negative number.
    if highest < 2**63 - 1:
        schema["maximum"] = highest
    if highest > 2**31 - 1:
        schema["format"] = "int64"
    return Scalar(schema, check, to_text, from_text, bounds=(lowest, highest))


def boolean(yes: str = "yes", no: str = "no", *, presence: bool = False) -> Scalar:
    """True or false; XML writes the words `yes` and `no`, or, with `presence`, an empty element for true."""

    def check(value: Any) -> str | None:
        return None if value is True or value is False else f"is {told_as(value)}, expected true or false"

    def from_text(content: str) -> bool:
        if content not in (yes, no):
            raise ValueError(f"`{shown(content)}` is neither {yes} nor {no}")
        return content == yes

    return Scalar({"type": "boolean"}, check, lambda value: yes if value else no, from_text, presence)


def memory(lowest_kib: int = 1024) -> Scalar:
    """An amount of memory: a whole number of MiB, or a Kubernetes quantity (`4Gi`). XML writes KiB."""

    def check(value: Any) -> str | None:
        amount = kib(value)
        bare = ", and a text without a unit is bytes" if type(value) is str and value.isdecimal() else ""
        if near := nearby(value):
            return f"`{shown(value)}` is no whole number of KiB, the next is `{near}`"
        if amount is None:
            expected = f"expected MiB as a whole number or a quantity like `4Gi`{bare}"
            return f"`{shown(value)}` is no amount of memory, {expected}"
        if not lowest_kib <= amount <= 2**44:
            return f"`{shown(value)}` is out of range, expected {written(lowest_kib)} to 16Pi{bare}"
        return None

    schema = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    return Scalar(schema, check, lambda value: str(kib(value)), lambda content: written(whole(content)), meaning=kib)


def any_quantity() -> Scalar:
    """A quantity of Kubernetes', of whatever is counted: a text, or a number; equal ones are equal amounts."""

    def check(value: Any) -> str | None:
        if type(value) not in (str, int, float):
            return f"is {told_as(value)}, expected a quantity like `4Gi` or `500m`"
        return None if nano(value) is not None else f"`{shown(value)}` is no quantity like `4Gi` or `500m`"

    schema = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    return Scalar(schema, check, meaning=nano)


def whole(content: str, base: int = 10) -> int:
    """The whole number that an XML text is; ValueError in words for people."""
    try:
        return int(content.strip(), base)
    except ValueError:
        raise ValueError("it is no whole number") from None


def nullable(inner: Scalar) -> Scalar:
    """Like `inner`, but null is taken too and means unsaid."""
    return replace(
        inner,
        schema={**inner.schema, "nullable": True},
        check=lambda value: None if value is None else inner.check(value),
    )


# What YAML can say and JSON cannot, by the type that a reader makes of it.
_OF_YAML = {
    bytes: "bytes (`!!binary` in YAML)",
    set: "a set (`!!set` in YAML)",
    date: "a date (`!!timestamp` in YAML)",
    datetime: "a date (`!!timestamp` in YAML)",
    tuple: "a pair (`!!pairs` or `!!omap` in YAML)",
}
_OF_JSON = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


@dataclass(frozen=True, slots=True, eq=False)
class Ambiguous:
    """A word that some readers of YAML take for a number and others for a text; `meaning` says for which number."""

    word: str
    meaning: str


class Fraction(float):
    """A number with a fraction, with the word that it was read from: 22.10 and 22.1 are one number and two words."""

    word: str

    @classmethod
    def of(cls, word: str, number: float) -> Fraction:
        """The number that was read from a word."""
        made = cls(number)
        made.word = word
        return made


def kind_of(value: object) -> str:
    """A value's type in the user's words."""
    if isinstance(value, Ambiguous):
        return value.meaning
    if isinstance(value, float) and value - value != 0:
        return "no finite number"
    if isinstance(value, Fraction):
        return _OF_JSON[float]
    return _OF_JSON.get(type(value)) or _OF_YAML.get(type(value), "nothing that JSON has")


def told_as(value: object) -> str:
    """The same, with the words of YAML that are easily meant as texts."""
    return "true or false (as are `yes`, `no`, `on` and `off` in YAML)" if isinstance(value, bool) else kind_of(value)


def shown(value: object, longest: int = 80) -> str:
    """A tenant's value as a message may show it: one line, as JSON writes it, printable, cut.

    What stands in objects and lists is not shown, but for lists of whole numbers: some of it may be a secret.
    """
    content = value if isinstance(value, str) else _as_json(value)
    if len(content) <= longest and content.isascii() and content.isprintable() and "`" not in content:
        return content
    safe = "".join(
        char if char.isprintable() and char != "`" and not UNSAFE.match(char) else "\ufffd"
        for char in content[: longest + 1]
    )
    return safe[:longest] + "…" if len(content) > longest else safe


# Whole numbers of more bits are not written out: the time grows with the square of their length.
_MOST_BITS, _MOST_ITEMS = 256, 32


def _as_json(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) is int:
        return str(value) if value.bit_length() <= _MOST_BITS else "…"
    if isinstance(value, Fraction):
        return value.word
    if isinstance(value, float):
        return repr(value) if value - value == 0 else ".nan" if value != value else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        numbered = all(type(item) is int for item in value[:_MOST_ITEMS])
        items = [_as_json(item) for item in value[:_MOST_ITEMS]] if numbered else ["…"]
        return f"[{', '.join(items)}{', …' if numbered and len(value) > _MOST_ITEMS else ''}]"
    return value.word if isinstance(value, Ambiguous) else "…"


def listed(values: tuple[str, ...]) -> str:
    """Alternatives for a message: `a`, `b`, `c`."""
    return ", ".join(f"`{value}`" for value in values)
