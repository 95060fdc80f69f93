"""A command line as QEMU reads it: which options it has, and which text is the whole value of which of their keys.

QEMU's own rules (`util/qemu-option.c`, `get_opt_name_value`): a comma ends a value, two commas are one of its
characters; a part without `=` is a flag, or, where it is the first, the value of the option's own first key. `-cpu`
knows no doubled comma (`target/i386/cpu.c`, `x86_cpu_parse_featurestr`). What begins with `{` is JSON.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

Pairs = list[tuple[str, Any]]
Options = list[tuple[str, Pairs]]

# Options without a value, and those whose value is one text (`qemu-options.hx`), as far as libvirt writes them.
_ALONE = frozenset({"-S", "-no-user-config", "-nodefaults", "-no-shutdown", "-no-reboot", "-no-hpet", "-no-acpi"})
_WHOLE = frozenset({"-kernel", "-initrd", "-append", "-dtb", "-uuid", "-k", "-display"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_VALUE = re.compile(r"(?:[^,]|,,)*")
_KEY = re.compile(r"[^=,]*")


def options(line: str) -> Options:
    """The environment, the program and each option with its keys and values, in order; a flag's value is True.

    Raises ValueError where an argument stands where no option can be, and where JSON says a key twice.
    """
    words = shlex.split(line)
    at = next(number for number, word in enumerate(words) if not _VARIABLE.match(word))
    variables: Pairs = [(name, value) for name, _, value in (word.partition("=") for word in words[:at])]
    return [("environment", variables), ("program", [("", words[at])]), *_options(iter(words[at + 1 :]))]


def _options(words: Iterator[str]) -> Iterator[tuple[str, Pairs]]:
    for word in words:
        if not word.startswith("-"):
            raise ValueError(f"`{word}` stands where an option should be")
        yield word, [] if word in _ALONE else _pairs(word, next(words))


def _pairs(option: str, text: str) -> Pairs:
    if option in _WHOLE:
        return [("", text)]
    if text.startswith("{"):
        return list(_leaves(json.loads(text, object_pairs_hook=_once), ""))
    return list(_cpu(text) if option == "-cpu" else _keys(text))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("an object has a key twice")
    return dict(pairs)


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values of a JSON tree, each with its keys from the root."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path, tree


def _keys(text: str) -> Iterator[tuple[str, Any]]:
    rest, first = text, True
    while rest:
        key = _matched(_KEY, rest)
        if rest[len(key) :].startswith("="):
            value = _matched(_VALUE, rest[len(key) + 1 :])
            yield key, value.replace(",,", ",")
            rest = rest[len(key) + 1 + len(value) :]
        elif first:
            value = _matched(_VALUE, rest)
            yield "", value.replace(",,", ",")
            rest = rest[len(value) :]
        else:
            yield key, True
            rest = rest[len(key) :]
        rest, first = rest.removeprefix(","), False


def _matched(form: re.Pattern[str], text: str) -> str:
    found = form.match(text)
    return found[0] if found else ""


def _cpu(text: str) -> Iterator[tuple[str, Any]]:
    model, *features = text.split(",")
    yield "", model
    for feature in features:
        name, equals, value = feature.partition("=")
        yield name, value if equals else True
