"""Reading the fields of one policy file: each value's type, and a finding with its line where it has another.

Every function answers with a value of the type it promises, so that one pass finds everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from webhook.declare import DeclaredField, shown
from webhook.declare.nearest import closest
from webhook.declare.scalars import kind_of, listed
from webhook.findings import Finding
from webhook.policy.language.model import LONGEST_NAME, NAME
from webhook.policy.language.selection import classes_below
from webhook.policy.loading.budget import Budget
from webhook.policy.loading.document import Node
from webhook.policy.loading.near_paths import REFERENCE, way_of

_NAME = re.compile(NAME)


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """A mapping's entries, and the place of each key."""

    node: Node
    values: Mapping[str, Node]

    def get(self, name: str) -> Node | None:
        return self.values.get(name)


@dataclass(slots=True, eq=False)
class PolicyReader:
    """One file as it is read: its name as findings show it, the places that paths may name, its cost, what is wrong."""

    file: str
    declared_fields: Mapping[str, DeclaredField]
    budget: Budget = field(default_factory=Budget)
    findings: list[Finding] = field(default_factory=list)
    # The places of the other kinds of policies, which no path here may name.
    elsewhere: Mapping[str, Mapping[str, DeclaredField]] = field(default_factory=dict)

    def at(self, node: Node) -> str:
        """`FILE:LINE`."""
        return f"{self.file}:{node.line}"

    def place(self, node: Node) -> str:
        """`FILE:LINE:COLUMN`."""
        return f"{self.file}:{node.line}:{node.column}"

    def spend(self, what: str, node: Node, about: str = "", amount: int = 1) -> None:
        """Count what stands at a node."""
        self.budget.spend(what, self.place(node), amount, about)

    def classes(self) -> Mapping[str, set[str]]:
        """By path, every class that a value there or below can have."""
        return self.budget.once(
            f"classes {id(self.declared_fields)}", lambda: classes_below(self.declared_fields, self.budget.rest)
        )

    def wrong(self, node: Node, problem: str, way: str = "") -> None:
        self.spend("findings", node)
        self.findings.append(Finding(self.place(node), problem, way, "policy"))

    def mapping(self, node: Node, what: str, known: Sequence[str], required: Sequence[str] = ()) -> Entries:
        """A mapping of known fields; an unknown one gets the nearest name."""
        if not isinstance(node.value, dict):
            self.wrong(node, f"{what} is {kind_of(node.value)}, expected an object with {listed(tuple(known))}")
            return Entries(node, {})
        for name in node.value:
            if name not in known:
                line, column = node.keys[name]
                near = closest(name, known)
                way = f"did you mean `{near}`?" if near else f"known here: {listed(tuple(known))}"
                self.wrong(Node(None, line, column), f"`{shown(name)}` is no field of {what}", way)
        missing = tuple(name for name in required if name not in node.value)
        if missing:
            self.wrong(node, f"{what} lacks {listed(missing)}")
        return Entries(node, {name: value for name, value in node.value.items() if name in known})

    def items(self, node: Node | None, what: str) -> list[Node]:
        """A list's items; one that is there is not empty."""
        if node is None:
            return []
        if not isinstance(node.value, list) or not node.value:
            kind = "empty" if node.value == [] else kind_of(node.value)
            self.wrong(node, f"{what} is {kind}, expected a list", f"list something, or remove `{what}`")
            return []
        return node.value

    def text(self, node: Node | None, what: str, longest: int = 1024) -> str:
        """A text of one line."""
        self.budget.rest()
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.wrong(node, f"{what} is {kind_of(node.value)}, expected a text")
            return ""
        if not 0 < len(node.value) <= longest or not node.value.isprintable():
            self.wrong(node, f"{what} is no text of one line and 1 to {longest} characters")
            return ""
        return node.value

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        return tuple(filter(None, (self.text(item, what) for item in self.items(node, what))))

    def name(self, node: Node | None, what: str) -> str:
        """A name as Kubernetes' labels have them."""
        content = self.text(node, what)
        if node is not None and content and not (len(content) <= LONGEST_NAME and _NAME.fullmatch(content)):
            self.wrong(node, f"{what} `{shown(content)}` is no name", "write lower-case letters, digits and `-`")
            return ""
        return content

    def choice(self, node: Node | None, what: str, known: Sequence[str]) -> str:
        content = self.text(node, what)
        if node is not None and content and content not in known:
            near = closest(content, known)
            way = f"did you mean `{near}`?" if near else f"known: {listed(tuple(known))}"
            self.wrong(node, f"{what} `{shown(content)}` is not known", way)
            return ""
        return content

    def path(self, node: Node | None) -> str:
        """A declared path; a wrong one gets the declared one that is meant."""
        content = self.text(node, "path")
        if node is not None and content and content not in self.declared_fields:
            suggests = self.budget.suggests()
            way = way_of(content, self.declared_fields, self.elsewhere) if suggests else REFERENCE
            self.wrong(node, f"path `{shown(content, 160)}` is not declared", way)
            return ""
        return content

    def day(self, node: Node | None, what: str) -> date:
        content = self.text(node, what)
        try:
            return date.fromisoformat(content) if len(content) == 10 else date.fromisoformat("-")
        except ValueError:
            if node is not None and content:
                self.wrong(node, f"{what} `{shown(content)}` is no day", "write it like `2027-03-31`")
            return date.min
