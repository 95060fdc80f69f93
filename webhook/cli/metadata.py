"""What of an object's `metadata` no API server takes, so that it is found before one says so.

Source: apimachinery, pkg/api/validation (ValidateObjectMeta) and pkg/apis/meta/v1/validation (labels).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import get_args

from webhook.declare import shown
from webhook.domain.types import DeviceName, ObjectName
from webhook.findings import Finding
from webhook.trees import Tree

_OBJECT, _LABEL = (get_args(form)[1] for form in (ObjectName, DeviceName))
_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# Bytes of all annotations together, keys and values.
_ANNOTATIONS = 256 << 10
_RULE = "metadata"
_QUOTE = "write it in quotation marks"
_NAMES = "use lower-case letters, digits, `-` and `.`, at most 253, with a letter or a digit at both ends"
_LABELS = "use lower-case letters, digits and `-`, at most 63, with a letter or a digit at both ends"
_WORDS = "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or a digit at both ends"


def untaken(obj: Tree) -> Iterator[Finding]:
    """Findings of names, labels and annotations; an object without `metadata` has none."""
    metadata = obj.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        yield Finding("metadata", "is no object", "write `name: NAME` below it", _RULE)
        return
    yield from _named(metadata, "name", _OBJECT.check, _NAMES)
    # Letters and digits are added to it.
    yield from _named(metadata, "generateName", lambda prefix: _OBJECT.check(f"{prefix}x"), _NAMES)
    yield from _named(metadata, "namespace", _LABEL.check, _LABELS)
    yield from _texts(metadata, "labels")
    yield from _texts(metadata, "annotations")


def _named(metadata: Tree, field: str, check: Callable[[str], str | None], allowed: str) -> Iterator[Finding]:
    name = metadata.get(field)
    if name is None or name == "":
        return
    if not isinstance(name, str):
        yield Finding(f"metadata.{field}", "is no text", _QUOTE, _RULE)
    elif check(name) is not None:
        yield Finding(f"metadata.{field}", f"`{shown(name)}` is no name that Kubernetes takes", allowed, _RULE)


def _texts(metadata: Tree, field: str) -> Iterator[Finding]:
    """Labels or annotations: texts by key; no value is an empty one."""
    place, texts = f"metadata.{field}", metadata.get(field)
    if texts is None:
        return
    if not isinstance(texts, dict):
        yield Finding(place, "is no object", "write `KEY: VALUE` below it", _RULE)
        return
    for key, value in texts.items():
        if not _is_key(str(key).lower() if field == "annotations" or isinstance(key, bool) else str(key)):
            after = f"{_WORDS}; where it is a domain's, after the domain and `/`"
            yield Finding(place, f"has the key `{shown(key)}`, which Kubernetes does not take", after, _RULE)
        elif value is not None and not isinstance(value, str):
            yield Finding(f"{place}[{key}]", "is no text", _QUOTE, _RULE)
        elif field == "labels" and value and not _WORD.fullmatch(value):
            yield Finding(f"{place}[{key}]", f"`{shown(value)}` is no label's value", _WORDS, _RULE)
    size = sum(len(each.encode(errors="replace")) for pair in texts.items() for each in pair if isinstance(each, str))
    if field == "annotations" and size > _ANNOTATIONS:
        problem = f"have {size} bytes, and Kubernetes takes {_ANNOTATIONS}"
        yield Finding(place, problem, "keep what is long in a ConfigMap", _RULE)


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return _WORD.fullmatch(name) is not None and (not slash or _OBJECT.check(prefix) is None)
