"""The language as a JSON Schema (draft 2020-12), for editors: words, classes and every declared path."""

from __future__ import annotations

from collections.abc import Iterable

from webhook.policy.language.conditions import CONDITIONS, of_totals
from webhook.policy.language.cross_field import COMPARISONS, GUARDS
from webhook.policy.language.model import (
    API_VERSION,
    CLASSES,
    EFFECTS,
    KIND,
    KUBEVIRT_KIND,
    LEVELS,
    LONGEST_NAME,
    MODES,
    NAME,
    SET_KIND,
)
from webhook.policy.language.totals import totals
from webhook.policy.language.value_lists import SCHEMA
from webhook.trees import Tree

_TEXT: Tree = {"type": "string", "minLength": 1}
_ANY: Tree = {"type": "object"}
_TEXTS: Tree = {"type": "array", "items": _TEXT, "minItems": 1}
_NAME: Tree = {"type": "string", "pattern": f"^{NAME}$", "maxLength": LONGEST_NAME}
_COMPARISONS: dict[str, Tree] = {
    "equals": {"$ref": "#/$defs/path", "description": "the value is that of this other field of the VM"},
    "not-equals": {"$ref": "#/$defs/path", "description": "the value is not that of this other field of the VM"},
    "outside": {"$ref": "#/$defs/path", "description": "the value names a namespace, and not the one this field says"},
}
_GUARDS: dict[str, str] = {
    "where": "the rule is only about VMs of which all of this holds; entries of the rule's own lists are meant",
    "unless": "the rule is not about VMs of which all of this holds",
}


def policy_schema(paths: Iterable[str]) -> Tree:
    """The schema of one document of a policy file; `paths` are all declared ones.

    An object whose `kind` is PolicySet is checked by that part alone, so that an editor names the mistake once.
    """
    is_set = {"required": ["kind"], "properties": {"kind": {"const": SET_KIND}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vmconfig policy",
        "if": is_set,
        "then": {"$ref": "#/$defs/set"},
        "else": {"$ref": "#/$defs/policy"},
        "$defs": {"policy": _policy(), "set": _set(), **_parts(paths)},
    }


def _set() -> Tree:
    files = {**_TEXTS, "description": "the policy files of the folder, by their names below it"}
    head: Tree = {"apiVersion": {"const": API_VERSION}, "kind": {"const": SET_KIND}, "metadata": _metadata()}
    return _object({**head, "files": files}, "apiVersion", "kind", "files")


def _metadata() -> Tree:
    return _object({"name": _NAME, "labels": _ANY, "annotations": _ANY}, "name")


def _policy() -> Tree:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata"],
        "anyOf": [{"required": ["rules"]}, {"required": ["exceptions"]}],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": [KIND, KUBEVIRT_KIND]},
            "metadata": _metadata(),
            "level": {"enum": list(LEVELS), "description": "holds where a namespace's labels name this level"},
            "mode": {"enum": list(MODES), "default": "enforce"},
            "match": _match(),
            "rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/rule"}},
            "exceptions": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/exception"}},
        },
    }


def _parts(paths: Iterable[str]) -> Tree:
    return {
        "path": {"enum": sorted(paths), "description": "a declared field"},
        "selector": {
            **_object({"class": {"enum": list(CLASSES)}, "path": {"$ref": "#/$defs/path"}, "total": _total()}),
            "minProperties": 1,
        },
        "conditions": {**_object(_conditions()), "minProperties": 1},
        "guard": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/path"},
            "additionalProperties": {"$ref": "#/$defs/conditions"},
            "minProperties": 1,
        },
        "rule": _rule(),
        "exception": _exception(),
    }


def _conditions() -> Tree:
    return {name: {**kind.schema, "description": kind.doc} for name, kind in CONDITIONS.items()}


def _object(properties: Tree, *required: str) -> Tree:
    made: Tree = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**made, "required": list(required)} if required else made


def _match() -> Tree:
    labels = {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
    accounts = {"type": "array", "items": {"type": "string", "pattern": "^[^/]+/[^/]+$"}, "minItems": 1}
    return _object(
        {
            "namespaces": _object({"names": _TEXTS, "except": _TEXTS, "labels": labels}),
            "subjects": _object({"users": _TEXTS, "groups": _TEXTS, "serviceAccounts": accounts}),
        }
    )


def _total() -> Tree:
    listed = "; ".join(f"{name}: {total.doc}" for name, total in totals().items())
    return {
        "enum": list(totals()),
        "description": f"a sum over the VM, to be limited by {' and '.join(of_totals())} ({listed})",
    }


def _rule() -> Tree:
    effects = {effect: {"$ref": "#/$defs/selector"} for effect in EFFECTS}
    when = {**_object({**_conditions(), **{name: _COMPARISONS[name] for name in COMPARISONS}}), "minProperties": 1}
    guards = {word: {"$ref": "#/$defs/guard", "description": _GUARDS[word]} for word in GUARDS}
    made = _object({"name": _NAME, **effects, "when": when, **guards, "message": _TEXT, "help": _TEXT}, "name")
    return {**made, "oneOf": [{"required": [effect]} for effect in EFFECTS]}


def _exception() -> Tree:
    return _object(
        {
            "rule": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
            "namespaces": _TEXTS,
            "path": {"$ref": "#/$defs/path"},
            "values": SCHEMA,
            "until": {"type": "string", "format": "date"},
            "owner": _TEXT,
            "ticket": _TEXT,
        },
        "rule",
        "namespaces",
        "until",
        "owner",
        "ticket",
    )
