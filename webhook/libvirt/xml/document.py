"""The only reader of XML: bounded, UTF-8, without DTD, entities, comments and network access."""

from __future__ import annotations

from lxml import etree

from webhook.declare import shown
from webhook.findings import Finding, Refused

# Far more than a domain with all devices that its buses can have; libxml2's own limits hold below it (depth 256).
LONGEST = 2**20


def document(xml: bytes | str, root: str) -> etree._Element:
    """The root element of a document, which has to be `root`; raises Refused for anything else."""
    content = _content(xml)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        found = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        raise _refused(f"is no well-formed XML: {_words(problem)}") from None
    if found.tag != root:
        raise _refused(f"is a `{shown(found.tag)}`, expected a `{root}`")
    return found


# libxml2's numbers of errors, by their names.
_ERRORS = {number: name for name, number in vars(etree.ErrorTypes).items() if type(number) is int}


def _words(problem: etree.XMLSyntaxError) -> str:
    """The error and its place. The parser's message can contain a part of the document, a password too."""
    name = _ERRORS.get(getattr(problem, "code", 0), "ERR_SYNTAX").removeprefix("ERR_").lower().replace("_", " ")
    line, column = problem.position
    return f"{name}, line {line}, column {column}"


def _content(xml: bytes | str) -> bytes:
    if len(xml) > LONGEST:
        raise _refused(f"is longer than {LONGEST} bytes")
    try:
        # Read as UTF-8 whatever encoding the document declares, so that no other encoding can hide a DTD.
        text = xml.decode("utf-8-sig") if isinstance(xml, bytes) else xml
        content = text.encode()
    except UnicodeError:
        raise _refused("is not UTF-8") from None
    if "<!DOCTYPE" in text:
        raise _refused("has a DOCTYPE, which could define entities")
    return content


def _refused(problem: str) -> Refused:
    return Refused([Finding("/", problem, "give libvirt's XML as `virsh dumpxml` prints it", "xml")])
