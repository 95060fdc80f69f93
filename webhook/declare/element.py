"""How a libvirt element is declared: its fields, their place in the XML, and the half each belongs to.

A declaration is a pydantic model; `webhook.declare.shape` compiles it for the hot path. Nothing here knows a
particular element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from webhook.declare.scalars import Scalar

# The kinds of backend, as policy selects them.
BACKEND_KINDS = (
    "host-path",
    "raw-device",
    "host-port",
    "host-network",
    "host-identity",
    "credential",
    "scheduling",
    "io-tuning",
    "passthrough",
    "firmware-path",
    "escape-hatch",
)

# The key of devices, which the service fills in where it is missing.
FILLED_IN = "name"


@dataclass(frozen=True, slots=True)
class Frontend:
    """What the guest sees: frozen after create."""


@dataclass(frozen=True, slots=True)
class Backend:
    """How the host provides it: denied unless a policy permits it. `kind` is one of BACKEND_KINDS."""

    kind: str

    def __post_init__(self) -> None:
        if self.kind not in BACKEND_KINDS:
            raise TypeError(f"`{self.kind}` is no kind of backend: {', '.join(BACKEND_KINDS)}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A Kubernetes object in the VM's own namespace, by name. `kind` is the object's kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What the host shall strive for, and how it provides the device where that reaches nothing of the host."""


Half = Frontend | Backend | Reference | Goal


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declaration says of one field beside its type.

    `place` is the field's place below its element's XML node: `@dev` an attribute, `serial` an element's text
    (or its presence, for such flags), `boot/@order` an attribute of a child, `.` the node itself,
    `system/entry[@name='serial']` a child with a fixed attribute. Empty: the element's tag, or `@name`.
    `unless` gives single values a half of their own.
    """

    half: Half
    place: str = ""
    unless: Mapping[str, Half] = field(default_factory=dict)


def frontend(place: str = "", unless: Mapping[str, Half] | None = None) -> Any:
    """A field that the guest sees."""
    return _declared(Frontend(), place, unless)


def backend(kind: str, place: str = "", unless: Mapping[str, Half] | None = None) -> Any:
    """A field by which the host is reached; on an element's field it covers the whole element."""
    return _declared(Backend(kind), place, unless)


def reference(kind: str, place: str = "") -> Any:
    """The name of a Kubernetes object of this kind; it has no place in the XML."""
    return _declared(Reference(kind), place, None)


def goal(place: str = "", unless: Mapping[str, Half] | None = None) -> Any:
    """What the tenant wants of the host without naming anything of it."""
    return _declared(Goal(), place, unless)


def _declared(half: Half, place: str, unless: Mapping[str, Half] | None) -> Any:
    return Field(default=None, json_schema_extra={"declared": Declared(half, place, unless or {})})  # type: ignore[dict-item]


class Element(BaseModel):
    """Base of every declaration.

    Class keywords: `tag` the XML element's name (`{feature}`: named by that field's value), `key` the field that
    tells list entries apart, `alike` dotted paths of fields that tell one device from another before it has a
    name, `variants` a field and, for each of its values, the other fields which then make sense.
    Absent means unsaid: declarations carry no defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True, defer_build=True)

    tag: ClassVar[str] = ""
    key: ClassVar[str] = ""
    alike: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[tuple[str, Mapping[str, tuple[str, ...]]] | None] = None

    def __init_subclass__(
        cls,
        tag: str | None = None,
        key: str | None = None,
        alike: tuple[str, ...] | None = None,
        variants: tuple[str, Mapping[str, tuple[str, ...]]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in (("tag", tag), ("key", key), ("alike", alike), ("variants", variants)):
            if value is not None:
                setattr(cls, name, value)

    @model_validator(mode="before")
    @classmethod
    def _nothing_null_or_excluded(cls, tree: Any) -> Any:
        """Absent means unsaid, null does not; and some fields make no sense beside a value of another."""
        if not isinstance(tree, dict):
            return tree
        for name, info in cls.model_fields.items():
            alias = info.alias or name
            takes_null = any(isinstance(scalar, Scalar) and scalar.check(None) is None for scalar in info.metadata)
            if alias in tree and tree[alias] is None and not takes_null:
                raise ValueError(f"{alias} is null")
        key, table = cls.variants or ("", {})
        value = tree.get(key)
        if isinstance(value, str) and value in table:
            excluded = {name for names in table.values() for name in names} - set(table[value])
            if excluded & set(tree):
                raise ValueError(f"{sorted(excluded & set(tree))} have no meaning beside {key} {value}")
        return tree

    @model_validator(mode="after")
    def _distinct_keys(self) -> Element:
        """Entries of a list that have a key have each their own; only a device's may be left to the service."""
        for entries in (getattr(self, name) for name in type(self).model_fields):
            if isinstance(entries, list):
                keys = [getattr(entry, entry.key, None) for entry in entries if isinstance(entry, Element)]
                said = [key for key in keys if key is not None]
                if len(said) != len(set(said)):
                    raise ValueError("two entries of a list have the same key")
                elements = [entry for entry in entries if isinstance(entry, Element)]
                if any(entry.key not in ("", FILLED_IN) and getattr(entry, entry.key) is None for entry in elements):
                    raise ValueError("an entry of a list lacks its key")
        return self
