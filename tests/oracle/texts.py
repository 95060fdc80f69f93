"""The texts that a tenant may write below `privileged`, and values of each that mean something to whoever splits them.

Made of the declarations and of the shipped policies: a field that is declared tomorrow is here tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import Backend, DeclaredField, Scalar
from webhook.kinds import declared_fields
from webhook.trees import Tree

POLICIES = Path(__file__).parents[2] / "policies"
LEVELS = ("restricted", "baseline")
# What no parser of an option, a path or a shell takes for anything but text.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:.+-]*")
# What libvirt reads as a set of numbers (`virBitmapParse`); it hands on the numbers, never the text.
_NUMBERS = re.compile(r"\^?[0-9]+([-,]\^?[0-9]+)*")
# Each printable character of ASCII that is no letter or digit, and one beyond ASCII.
_MARKS = [chr(code) for code in range(0x20, 0x7F) if not chr(code).isalnum()] + ["\u00e9"]
# What several of them say together.
_SAYING = (
    ",x=y", ",,", ",,x=y", ",,,x=y", ",file=/etc/shadow", ",path=/etc/shadow", "=y", "..", "../x", "/../../x", "/./x",
    "//x", "-x", "--x", " -device x", "' -S '", '" -S "', "\\,x=y", "%2c", "$(id)", "`id`", "{}", "[0]", "&amp;", "]]>",
    "<x/>",
)  # fmt: skip
# A value of nearly every form that texts of the API have; the first, which most take, stands nowhere else.
_WORDS = (
    "qz7x", "QZ7X", "opt/qz7x", "Qz7xQz7xQz7x", "0a81f5b2-8403-4b23-88d6-21ccc2f80d6f", "4Gi", "0-3", "1.1", "de",
    "vdq", "02:00:00:00:00:07", "0000:00:1f.0", "5123456789abcde0", "0a81f5b284034b2388d621ccc2f80d6f",
    "2026.1", "match-host", "spice", "auto", "03/04/2021", "disks/qz7x", "2026-03-04T05:06:07Z", [1, 3],
)  # fmt: skip


def tenant_texts() -> dict[str, DeclaredField]:
    """Every declared place, by path, whose value a tenant writes as text of his own at one of the levels.

    Not those of tombstones and of restores, which are the devices' own declarations a second time.
    """
    permits = [rule["permit"] for level in LEVELS for rule in _rules(level) if "permit" in rule]
    return {
        path: place
        for path, place in declared_fields().items()
        if not path.startswith(("abi.tombstones", "restoreFrom.devices."))
        and place.field.scalar is not None
        and _is_text(place.field.scalar)
        and (
            not isinstance(place.field_class, Backend)
            or any(_permits(permit, path, place.field_class) for permit in permits)
        )
    }


def _rules(level: str) -> Iterator[Tree]:
    for document in yaml.safe_load_all((POLICIES / level / "policy.yaml").read_text()):
        yield from document.get("rules", ())


def _permits(permit: Tree, path: str, field_class: Backend) -> bool:
    """Whether a permit is about the field, whatever its conditions: of a class, of the field, of what it stands in."""
    at = permit.get("path", path)
    return permit.get("class", field_class.kind) in (field_class.kind, "backend") and f"{path}.".startswith(f"{at}.")


def _is_text(scalar: Scalar) -> bool:
    """No closed set, no truth and no number: whatever else there is can hold text."""
    return "enum" not in scalar.schema and scalar.schema.get("type") not in ("boolean", "integer")


def plain(place: DeclaredField) -> Any:
    """A harmless value that the field takes; KeyError where none of the known words is one."""
    for word in _WORDS:
        if _scalar(place).check(word) is None:
            return word
    raise KeyError(place.path)


def meaning_something(place: DeclaredField, word: Any) -> list[str]:
    """The hostile values that the field takes and that its XML does not turn into something harmless."""
    scalar = _scalar(place)
    taken = [value for value in hostile(word if isinstance(word, str) else _WORDS[0]) if scalar.check(value) is None]
    return [value for value in taken if not harmless(scalar.to_text(value))]


def harmless(text: str) -> bool:
    """Whether nothing that splits texts finds anything in it to split at."""
    return bool(_PLAIN.fullmatch(text) or _NUMBERS.fullmatch(text))


def _scalar(place: DeclaredField) -> Scalar:
    assert place.field.scalar is not None, f"{place.path} is an element"
    return place.field.scalar


def hostile(word: str) -> list[str]:
    """A harmless value with marks and whole options at its ends, in it, instead of a part of it, and alone.

    What stands before a slash is also kept: some texts have to begin so.
    """
    above, slash, last = word.rpartition("/")
    forms = [above + slash + form for form in _forms(last)] + list(_forms(word))
    return [form for form in dict.fromkeys(forms) if form != word]


def _forms(word: str) -> Iterator[str]:
    field_class = len(word) // 2
    for mark in _MARKS:
        yield from (mark, mark + word, word + mark, word[:field_class] + mark + word[field_class + 1 :])
    for with_content in _SAYING:
        yield from (
            with_content,
            word[:field_class] + with_content + word[field_class:],
            word[:field_class] + with_content + word[field_class + len(with_content) :],
        )
