"""YAML as policies take it: plain values with their lines, and a finding for all that YAML readers disagree about.

Anchors, tags, duplicate keys and the words on which YAML 1.1 and 1.2 disagree (`on`, `010`) are refused, so that
what an admin reads is what every tool reads. Knows nothing of policies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from webhook.declare import shown
from webhook.findings import Finding
from webhook.policy.loading.budget import Budget, Exhausted
from webhook.yaml_dialects import SEXAGESIMAL, WORD_BOOLEAN, place_of

LONGEST = 1 << 20  # bytes of one file; a ConfigMap holds no more
_DEEPEST = 32
_FLATTER = "write fewer lists and objects within each other"

Scalar = str | int | bool | None
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "false": False}
_WHOLE = re.compile("-?(0|[1-9][0-9]{0,18})")
# Octal, hexadecimal, binary, grouped digits and floats: numbers to some readers, not to others.
_NUMBER_LIKE = re.compile(
    r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?0[xXoObB][0-9a-fA-F_]+"
    rf"|{SEXAGESIMAL.pattern}|[-+]?\.(inf|nan)"
)
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


_NO_KEYS: Mapping[str, tuple[int, int]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and the line and column it begins at (from 1); `keys` has the same for a mapping's keys."""

    value: dict[str, Node] | list[Node] | Scalar
    line: int
    column: int
    keys: Mapping[str, tuple[int, int]] = field(default_factory=lambda: _NO_KEYS)

    def plain(self) -> object:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True, eq=False)
class Document:
    """One document of a file, what is wrong with its YAML, and the line of the `...` that ends it (0: none)."""

    node: Node
    findings: list[Finding] = field(default_factory=list)
    end: int = 0


def documents(content: bytes, file: str, budget: Budget | None = None) -> tuple[list[Document], list[Finding]]:
    """The documents of one file, and why it cannot be read to its end as `FILE:LINE:COLUMN`; raises Exhausted alone.

    Of a document that is not complete only the place of the mistake is reported: it may be no policy.
    """
    if len(content) > LONGEST:
        return [], [Finding(f"{file}:1:1", f"has {len(content)} bytes, expected at most {LONGEST}", "split it", "yaml")]
    made: list[Document] = []
    try:
        events = iter(yaml.parse(content.decode(), Loader=yaml.CSafeLoader))
        for each in _Reading(events, file, budget or Budget()).documents():
            made.append(each)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return made, [Finding(f"{file}:{line}:1", "is not UTF-8", "save the file as UTF-8", "yaml")]
    except _TooDeep as error:
        line, column = error.args
        return made, [Finding(f"{file}:{line}:{column}", f"is nested deeper than {_DEEPEST}", _FLATTER, "yaml")]
    except yaml.MarkedYAMLError as error:
        place = f"{file}{place_of(error) or ':1:1'}"
        return made, [Finding(place, f"is no YAML: {error.problem or error.context}", "", "yaml")]
    except yaml.YAMLError as error:
        return made, [Finding(f"{file}:1:1", f"is no YAML: {shown(str(error))}", "", "yaml")]
    return made, []


def nodes(content: bytes, file: str) -> tuple[list[Node], list[Finding]]:
    """What the documents of one file hold, and all that is wrong with its YAML. Never raises."""
    try:
        made, findings = documents(content, file)
    except Exhausted as exhausted:
        return [], [exhausted.finding]
    findings = [finding for each in made for finding in each.findings] + findings
    return ([], findings) if findings else ([each.node for each in made if each.node.value is not None], [])


class _TooDeep(Exception):
    """Nesting that is too deep, at a line and a column."""


@dataclass(slots=True, eq=False)
class _Reading:
    """One pass over a file's events."""

    events: Iterator[yaml.Event]
    file: str
    budget: Budget
    findings: list[Finding] = field(default_factory=list)

    def documents(self) -> Iterator[Document]:
        """Each document as it ends, those that hold nothing included."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.findings = []
                node = self._node(next(self.events), 0)
                end = next(self.events)
                explicit = isinstance(end, yaml.DocumentEndEvent) and end.explicit
                mark = end.start_mark
                yield Document(node, self.findings, mark.line + 1 if explicit and mark is not None else 0)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        mark = event.start_mark
        assert mark is not None  # noqa: S101 - only events made by hand have none
        line, column = mark.line + 1, mark.column + 1
        self.budget.spend("nodes", f"{self.file}:{line}:{column}")
        if depth > _DEEPEST:
            raise _TooDeep(line, column)
        if isinstance(event, yaml.AliasEvent):
            self._wrong(line, column, f"refers to `{shown(event.anchor)}`", "write the value out where it is meant")
            return Node(None, line, column)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._wrong(line, column, f"has an anchor `{shown(event.anchor)}`", "write the value out where it is meant")
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self._wrong(line, column, f"has a tag `{shown(tag)}`", "remove it: values have the type that they show")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(line, column, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return Node(items, line, column)
        return Node(self._scalar(event, line, column), line, column)

    def _mapping(self, line: int, column: int, depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if not isinstance(key.value, str):
                self._wrong(key.line, key.column, "has a key that is no word", 'write it in quotes: `"…"`')
            elif key.value in entries:
                first = keys[key.value][0]
                problem = f"says `{shown(key.value)}` again, first in line {first}"
                self._wrong(key.line, key.column, problem, "keep one of them")
            else:
                entries[key.value] = value
                keys[key.value] = (key.line, key.column)
        return Node(entries, line, column, keys)

    def _scalar(self, event: yaml.Event, line: int, column: int) -> Scalar:
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - nothing else is left
        content: str = event.value
        if not event.implicit[0]:
            return content
        if content in _NULL:
            return None
        if content in _BOOLEANS:
            return _BOOLEANS[content]
        if _WHOLE.fullmatch(content):
            return int(content)
        if WORD_BOOLEAN.fullmatch(content):
            way = f'write `"{content}"` for the word, or `true` or `false`'
            self._wrong(line, column, f"is `{content}`, which is a boolean to some readers and a word to others", way)
        elif _NUMBER_LIKE.fullmatch(content) and not _DATE.fullmatch(content):
            way = f'write `"{content}"` for the text, or a whole number in decimal'
            self._wrong(line, column, f"is `{content}`, which is a number to some readers and a text to others", way)
        return content

    def _wrong(self, line: int, column: int, problem: str, way: str) -> None:
        place = f"{self.file}:{line}:{column}"
        self.budget.spend("findings", place)
        self.findings.append(Finding(place, problem, way, "yaml"))
