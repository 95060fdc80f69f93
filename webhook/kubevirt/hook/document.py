"""A domain's XML as a tree and back: names with prefixes and their declarations stay as they were written."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

from webhook.findings import Finding, Refused

RULE = "hook"
_WAY = "hand over what KubeVirt calls the hook with"
# libvirt's documents are not half as deep.
_DEEPEST = 50


def parsed(text: str) -> Element:
    """The root of a document; raises Refused where it is none, or brings a document type of its own."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Refused([Finding("domain", "is nested too deeply", _WAY, RULE)])
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _no_type
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError) as error:
        what = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else "it has no characters of XML"
        raise Refused([Finding("domain", f"is no XML: {what}", _WAY, RULE)]) from None
    return builder.close()


def text_of(root: Element) -> str:
    """The document of a root."""
    return tostring(root, encoding="unicode")


def _no_type(*_: object) -> None:
    raise Refused([Finding("domain", "has a document type", _WAY, RULE)])
