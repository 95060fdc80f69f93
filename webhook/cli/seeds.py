"""Identities that are the same each time: of a text and the object that they are for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from hashlib import shake_256

from webhook.cli.manifests import Manifest


def with_seed(parser: argparse.ArgumentParser) -> None:
    """The flag that names the text."""
    parser.add_argument(
        "--seed", help="make identities of this text and the object's name, so that they are the same each time"
    )


def entropy(seed: str, manifest: Manifest) -> Callable[[int], bytes]:
    """Bytes as random ones look, the same for the same seed and object."""
    text = "\0".join((seed, manifest.kind, manifest.namespace, manifest.name))
    given = 0

    def take(count: int) -> bytes:
        nonlocal given
        given += 1
        return shake_256(f"{text}\0{given}".encode()).digest(count)

    return take
