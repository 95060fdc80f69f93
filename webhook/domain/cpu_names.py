"""The names of CPU models and features that libvirt has (cpu_names.yaml), read at their first use.

On most architectures libvirt passes an unknown name to QEMU, where it may be a property of the emulator instead of a
feature of a CPU: a property of the host's, or a hypervisor in the guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import Known

FEATURES, MODELS = "features", "models"
_WORDS = {FEATURES: "CPU feature", MODELS: "CPU model"}


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Features or models by architecture, and QEMU's names of features that libvirt calls otherwise."""

    by_architecture: Mapping[str, frozenset[str]]
    others: Mapping[str, str]

    @property
    def all(self) -> frozenset[str]:
        """The names of all architectures."""
        return frozenset().union(*self.by_architecture.values())


# All caches here hold package data: at most one entry an architecture.
@cache
def names(what: str) -> Names:
    """FEATURES or MODELS."""
    read = _read()
    known = {arch: frozenset(listed[what]) for arch, listed in read["names"].items()}
    return Names(known, read["others"] if what == FEATURES else {})


@cache
def known(what: str) -> Known:
    """The names of all architectures, for a declaration."""
    return Known("libvirt", _WORDS[what], names(what).all, names(what).others)


@cache
def elsewhere(what: str, arch: str) -> frozenset[str]:
    """The names that only other architectures have; none where this one is not in the table."""
    found = names(what)
    own = found.by_architecture.get(arch)
    return frozenset() if own is None else found.all - own


@cache
def _read() -> Any:
    return yaml.load((Path(__file__).parent / "cpu_names.yaml").read_text(), yaml.CSafeLoader)
