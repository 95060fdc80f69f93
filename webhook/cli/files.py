"""Manifests from files, read strictly: what YAML would drop or guess silently is an error."""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Hashable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from webhook.declare.scalars import Ambiguous, Fraction, kind_of
from webhook.declare.withheld import told_key
from webhook.findings import Finding, Refused
from webhook.yaml_dialects import LETTER_BOOLEAN, OCTAL, SEXAGESIMAL, place_of

_LARGEST = 3 * 1024 * 1024
_LARGEST_XML = 2**20
# Tags that change nothing; every other one makes a value of a type that JSON lacks, or that the text does not show.
_PLAIN_TAGS = frozenset({"!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))})
_READ_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("binary", "set", "timestamp", "omap", "pairs"))
# What the parser quotes: a token's name, a character, or a text of the file.
_QUOTED = re.compile("'([^']*)'|\"([^\"]*)\"")
_WAY = "mend the YAML, then try again"
_RENDER = "a template's expression is no YAML yet: render it first, as `helm template` does, and give what that prints"


class Unreadable(Exception):
    """A file that cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its number, from 1, and its content; or `other`, a kind that nobody asked for."""

    number: int
    content: Any
    other: str = ""


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it, where the two agree: no duplicate keys, no anchors, timestamps stay text.

    `refused` is what is wrong with the syntax of the document that was composed last. It counts only where the document
    is wanted: what other programs read may be written for them.
    """

    refused: yaml.MarkedYAMLError | None = None

    def compose_document(self) -> yaml.Node | None:
        self.refused = None
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            self.refused = self.refused or _wrong("aliases are not taken", event.start_mark)
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("tag:yaml.org,2002:null", "")
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _PLAIN_TAGS and tag not in _READ_TAGS:
            problem = "tags are not taken: a value has the type that it shows"
            self.refused = self.refused or _wrong(problem, event.start_mark)
        return super().compose_node(parent, index)

    def documents(self, kinds: Container[str] | None) -> Iterator[Document]:
        """The documents that say something; of other kinds than these (None: any) only which."""
        number = 0
        while self.check_node():
            number += 1
            node = self.get_node()
            kind = _kind(node)
            if kinds is not None and kind and kind not in kinds and not kind.endswith("List"):
                yield Document(number, None, kind)
                continue
            if self.refused is not None:
                raise self.refused
            content = self.construct_document(node)
            if content is not None:
                yield Document(number, content)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            if LETTER_BOOLEAN.fullmatch(node.value):
                problem = f"`{node.value}` is a boolean to kubectl and a word to others: write it in quotes"
                raise _wrong(problem, node.start_mark)
            if node.tag != "tag:yaml.org,2002:timestamp":
                meaning = _meaning(node.value)
                if meaning:
                    return Ambiguous(node.value, meaning)
        try:
            value = super().construct_object(node, deep)
            plain = isinstance(node, yaml.ScalarNode) and node.style is None
            return Fraction.of(node.value, value) if plain and type(value) is float else value
        except (AttributeError, KeyError, ValueError):  # PyYAML's own, for a tag that its value does not fit
            digits = len(node.value) if isinstance(node, yaml.ScalarNode) and node.style is None else 0
            if digits > sys.get_int_max_str_digits() > 0:
                raise _wrong(f"is a number of {digits} digits, which nothing takes", node.start_mark) from None
            raise _wrong("has a tag that does not fit it", node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise _wrong("`<<` is not taken: write out what it would merge", key.start_mark)
            name = self.construct_object(key, deep=True)
            if isinstance(name, Ambiguous):
                problem = f"a key is {name.meaning}: write it in quotes"
                raise _wrong(problem, key.start_mark)
            if not isinstance(name, Hashable):
                raise _wrong("a key is no text", key.start_mark)
            if name in seen:
                raise _wrong(f"{_named(name)} is said twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _wrong(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def _kind(node: Any) -> str:
    """The kind that an object of Kubernetes' says it is; empty for anything else."""
    entries = node.value if isinstance(node, yaml.MappingNode) else ()
    said = {key.value: value.value for key, value in entries if isinstance(value, yaml.ScalarNode)}
    return str(said.get("kind") or "") if "apiVersion" in said else ""


def _meaning(word: str) -> str:
    """What a word is that readers of YAML disagree about; empty where they do not."""
    if SEXAGESIMAL.fullmatch(word):
        return "a number of base sixty to YAML 1.1 and a text to others"
    return "an octal number to some readers of YAML and a text to others" if OCTAL.fullmatch(word) else ""


def _named(name: object) -> str:
    """A key as a message may show it; one that looks like a secret is not."""
    shown = told_key(name)
    return f"`{shown}`" if shown else "a key, which is not shown,"


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: str) -> list[Any]:
    """The objects of a file, or of standard input for `-`; raises Unreadable, and Refused where it is no YAML."""
    return [document.content for document in documents(file)]


def documents(file: str, kinds: Container[str] | None = None) -> list[Document]:
    """The documents of a file; with `kinds`, objects of others are not looked at. Raises as `read`."""
    try:
        text = sys.stdin.buffer.read(_LARGEST + 1) if file == "-" else _bytes(Path(file))
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise Unreadable(f"{file}: is larger than {_LARGEST} bytes")
    try:
        found = list(_Loader(text).documents(kinds))
    except yaml.MarkedYAMLError as error:
        way = _RENDER if _is_template(text, error) else _WAY
        raise Refused([Finding(f"{file}{place_of(error)}", _unquoted(str(error.problem)), way, "yaml")]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else _unread(error)
        raise Refused([Finding(file, f"is no YAML: {what}", _WAY, "yaml")]) from None
    foreign = [finding for document in found for finding in _foreign(document.content, "")]
    if foreign:
        raise Refused(foreign)
    return found


def xml(file: str) -> bytes:
    """The bytes of an XML file, or of standard input for `-`; raises Unreadable."""
    try:
        return sys.stdin.buffer.read(_LARGEST_XML + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror}") from None


def place_in_xml(file: str, path: str) -> str:
    """The place of a finding about an XML file: the file alone where the document as a whole is meant."""
    shown_file = "standard input" if file == "-" else file
    return shown_file if path == "/" else f"{shown_file}: {path}"


def xml_below(folder: Path) -> list[str]:
    """The XML files of a folder, by name."""
    return [str(file) for file in sorted(folder.glob("*.xml"))]


def _is_template(text: bytes, error: yaml.MarkedYAMLError) -> bool:
    """Whether what is no YAML begins like an expression of Helm's or Jinja's, in its line or the one before."""
    line = error.problem_mark.line if error.problem_mark is not None else 0
    return any(opened in each for each in text.splitlines()[max(0, line - 1) : line + 1] for opened in (b"{{", b"{%"))


def _unquoted(problem: str) -> str:
    """A parser's message without the texts of the file."""

    def withheld(quoted: re.Match[str]) -> str:
        content = quoted[1] or quoted[2] or ""
        return quoted[0] if len(content) == 1 or content.startswith("<") else "`…`"

    return _QUOTED.sub(withheld, problem)


def _unread(error: Exception) -> str:
    """Why bytes are no text, without the text."""
    where = getattr(error, "position", None)
    return "it has bytes or characters that YAML does not take" + (f", at {where}" if isinstance(where, int) else "")


def _foreign(tree: Any, path: str) -> Iterator[Finding]:
    """What JSON does not have, but for a VM's spec, where its declaration says what is expected instead."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        here = f"{path}[{key}]" if isinstance(tree, list) else f"{path}.{told_key(key)}".strip(".")
        if isinstance(value, Ambiguous | bytes | set | tuple | date):
            yield Finding(here, f"is {kind_of(value)}", "write it in quotes if it is a text", "yaml")
        elif key != "spec" or (isinstance(value, dict) and "template" in value):
            yield from _foreign(value, here)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(_LARGEST + 1)
