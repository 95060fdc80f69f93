"""What a hook answers: the domain's XML with the places of the frozen machine."""

from __future__ import annotations

from typing import Any

from webhook.findings import Finding, Refused
from webhook.kubevirt.machine import ANNOTATION, read

RULE = "hook"
Tree = dict[str, Any]


def restate(vmi: Tree, xml: str) -> str:
    """The XML that KubeVirt shall define instead of `xml`, for the VirtualMachineInstance as KubeVirt hands it over.

    Of an instance without a frozen machine it is the same text. Raises `webhook.findings.Refused` where the guest would
    not find its machine: then KubeVirt must not start it. It has no state: every call with the same words says the same.
    """
    text = _annotations(vmi).get(ANNOTATION)
    if text is None:
        return xml
    if type(text) is not str or read(text) is None:
        place = f"metadata.annotations[{ANNOTATION}]"
        raise Refused([Finding(place, "is no machine that this service wrote", "remove the annotation", RULE)])
    return xml


def _annotations(vmi: Tree) -> Tree:
    metadata = vmi.get("metadata")
    found = metadata.get("annotations") if type(metadata) is dict else None
    return found if type(found) is dict else {}
