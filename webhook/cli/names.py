"""Names on the command line: what argparse makes of them, and what is none."""

from __future__ import annotations

import argparse
import re
from typing import get_args

from webhook.domain.types import DeviceName, ObjectName

_OBJECT, _LABEL = (get_args(form)[1] for form in (ObjectName, DeviceName))
_VERSION = re.compile(r"v?[0-9]{1,4}(\.[0-9]{1,6}){1,2}([-+][0-9A-Za-z.+-]{1,64})?")


def object_name(word: str) -> str:
    """The name of an object (RFC 1123 subdomain); ArgumentTypeError."""
    return _checked(word, _OBJECT.check(word))


def namespace_name(word: str) -> str:
    """The name of a namespace (RFC 1123 label); ArgumentTypeError."""
    return _checked(word, None if _LABEL.check(word) is None else f"`{word[:80]}` is no name of a namespace")


def release(word: str) -> str:
    """A release like `v1.9.0` or `1.9`; ArgumentTypeError."""
    return _checked(
        word, None if _VERSION.fullmatch(word) else f"`{word[:80]}` is no release, expected one like `v1.9.0`"
    )


def _checked(word: str, problem: str | None) -> str:
    """argparse shows the message of its own error alone."""
    if problem is not None:
        raise argparse.ArgumentTypeError(problem)
    return word
