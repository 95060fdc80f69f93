"""How a libvirt element is declared: its fields, their place in the XML, and the field class of each.

A declaration only says; `webhook.declare.shape` compiles it for the hot path, `webhook.declare.model` makes a pydantic
model of it for whoever wants one. Nothing here knows a particular element.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, get_origin

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
    "placement",
)

# What is written there may be a secret: passwords, keys, and what nobody reads before the hypervisor does.
SECRET_KINDS = frozenset({"credential", "escape-hatch"})

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


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A Kubernetes object by name, in the VM's own namespace unless the name says another; `kind` is its kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What the host shall strive for, and how it provides the device where that reaches nothing of the host."""


FieldClass = Frontend | Backend | Reference | Goal


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """What a declaration says of one field beside its type.

    `place` is the field's place below its element's XML node: `@dev` an attribute, `serial` an element's text
    (or its presence, for such flags), `boot/@order` an attribute of a child, `.` the node itself,
    `system/entry[@name='serial']` a child with a fixed attribute. Empty: the element's tag, or `@name`.
    `unless` gives single values a class of their own. `doc` is for fields whose type does not say it. `secret` marks
    content that may be a secret although the field's class does not say so: no message shows it.
    """

    field_class: FieldClass
    place: str = ""
    unless: Mapping[str, FieldClass] = field(default_factory=dict)
    doc: str = ""
    secret: bool = False


def frontend(
    place: str = "", unless: Mapping[str, FieldClass] | None = None, doc: str = "", *, secret: bool = False
) -> Any:
    """A field that the guest sees."""
    return Declared(Frontend(), place, unless or {}, doc, secret)


def backend(kind: str, place: str = "", unless: Mapping[str, FieldClass] | None = None, *, secret: bool = False) -> Any:
    """A field by which the host is reached; on an element's field it covers the whole element."""
    return Declared(Backend(kind), place, unless or {}, secret=secret)


def reference(kind: str, place: str = "", doc: str = "") -> Any:
    """The name of a Kubernetes object of this kind; it has no place in the XML."""
    return Declared(Reference(kind), place, doc=doc)


def goal(place: str = "", unless: Mapping[str, FieldClass] | None = None, doc: str = "") -> Any:
    """What the tenant wants of the host without naming anything of it."""
    return Declared(Goal(), place, unless or {}, doc)


@dataclass(frozen=True, slots=True)
class TextForm:
    """How the API has an element as one text, whose fields the XML has.

    `read` gives the fields of a text, also of one that is understood and not written as it should be; None where it is
    not understood. `write` gives the one text of these fields, and raises ValueError with what they lack. `pattern` is
    matched by every text as it should be, `what` is such a text in words, `examples` are some.
    """

    read: Callable[[str], dict[str, Any] | None]
    write: Callable[[dict[str, Any]], str]
    pattern: str
    longest: int
    what: str
    examples: str


class Declaration(type):
    """The type of elements: takes what is declared out of a class' namespace, where each field is None instead.

    There are hundreds of declarations and every start pays for each: nothing more is worked out here.
    """

    declared: Mapping[str, Declared]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any) -> Declaration:
        declared = {field: value for field, value in namespace.items() if type(value) is Declared}
        made = super().__new__(cls, name, bases, {**namespace, **dict.fromkeys(declared)}, **keywords)
        made.declared = declared
        return made


class Element(metaclass=Declaration):
    """Base of every declaration.

    Class keywords: `tag` the XML element's name (`{feature}`: named by that field's value), `key` the field that
    tells list entries apart, `alike` dotted paths of fields that tell one device from another before it has a
    name, `variants` a field and, for each of its values, the other fields which then make sense, `text` its form where
    the API has the element as one text.
    Absent means unsaid: declarations carry no defaults, and a field that nobody said is None.
    """

    tag: ClassVar[str] = ""
    key: ClassVar[str] = ""
    alike: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[tuple[str, Mapping[str, tuple[str, ...]]] | None] = None
    text_form: ClassVar[TextForm | None] = None
    # Names that people know from elsewhere, in small letters without `-` and `_`, with the field that each is here:
    # a finding names it.
    also: ClassVar[Mapping[str, str]] = {}
    # The field that a bare value in the element's place is mostly meant for; empty where there is none.
    mostly: ClassVar[str] = ""

    def __init_subclass__(
        cls,
        tag: str | None = None,
        key: str | None = None,
        alike: tuple[str, ...] | None = None,
        variants: tuple[str, Mapping[str, tuple[str, ...]]] | None = None,
        **kwargs: Any,
    ) -> None:
        text_form = kwargs.pop("text", None)
        super().__init_subclass__(**kwargs)
        stated = {"tag": tag, "key": key, "alike": alike, "variants": variants, "text_form": text_form}
        for name, value in stated.items():
            if value is not None:
                setattr(cls, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: an element is read-only")


def element(name: str, doc: str, fields: Mapping[str, tuple[Any, Declared]], tag: str = "") -> type[Element]:
    """An element whose fields were found rather than written, each a type and what is declared of it."""
    declared = {field: declaration for field, (_, declaration) in fields.items()}
    types = {field: kind for field, (kind, _) in fields.items()}
    return type(name, (Element,), {"__doc__": doc, "__annotations__": types, **declared}, tag=tag)


def fields_of(element: type[Element]) -> dict[str, tuple[Any, Declared]]:
    """Each field's type and what is declared of it, in the order of declaration, those of the bases first.

    Raises TypeError where one is without the other.
    """
    types: dict[str, Any] = {}
    declared: dict[str, Declared] = {}
    for base in reversed(element.__mro__):
        if isinstance(base, Declaration) and base is not Element:
            types |= inspect.get_annotations(base, eval_str=True)
            declared |= base.declared
    types = {name: kind for name, kind in types.items() if get_origin(kind) is not ClassVar}
    for name in sorted(types.keys() ^ declared.keys()):
        lacks = "class: declare it frontend, backend, reference or goal" if name in types else "type"
        raise TypeError(f"{element.__name__}.{name} has no {lacks}")
    return {name: (kind, declared[name]) for name, kind in types.items()}


def camel(name: str) -> str:
    """A field's name in the API: `boot_order` is `bootOrder`."""
    title = name.title().replace("_", "")
    return title[:1].lower() + title[1:]
