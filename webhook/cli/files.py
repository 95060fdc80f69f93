"""Manifests from files, read strictly: what YAML would drop or guess in silence is said."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from webhook.cli.written import BOOLEAN_TO_SOME
from webhook.findings import Finding, Refused

_LARGEST = 3 * 1024 * 1024


class Unreadable(Exception):
    """A file that cannot be read at all."""


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it, where the two agree: no duplicate keys, no anchors, timestamps stay text."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases are not taken", _mark(self))
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.style is None and BOOLEAN_TO_SOME.fullmatch(node.value):
            problem = f"`{node.value}` is a boolean to kubectl and a word to others: write it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_object(node, deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"`{name}` is said twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _mark(loader: yaml.SafeLoader) -> yaml.Mark:
    return loader.peek_event().start_mark  # type: ignore[no-any-return, no-untyped-call]


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: str) -> list[Any]:
    """The objects of a file, or of standard input for `-`; raises Unreadable, and Refused where it is no YAML."""
    try:
        text = sys.stdin.buffer.read(_LARGEST + 1) if file == "-" else _bytes(Path(file))
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise Unreadable(f"{file}: is larger than {_LARGEST} bytes")
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise Refused([Finding(place, str(error.problem), "mend the YAML, then try again", "yaml")]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused([Finding(file, f"is no YAML: {first}", "mend the YAML, then try again", "yaml")]) from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(_LARGEST + 1)
