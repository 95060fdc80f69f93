"""A newer libvirt's places: the Go structures by which libvirt's own Go module reads and writes a domain's XML.

Debian's schema is the floor; this module follows libvirt's releases and comes from the Go module proxy. It says
nothing about values, and a few of its structures are written by hand; what they hold is then read from their fields.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.build import go

MODULE = "libvirt.org/go/libvirtxml"
VERSION = "v1.12008.0"  # libvirt 12.8

_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
_FIELD = re.compile(r'^\s*(\w+)?\s*([\[\]*]*)([\w.]+)\s*`xml:"([^"]*)"`', re.M)


def places(folder: Path) -> set[str]:
    """Every element and attribute (`/@name`) of a domain, by its path from the root element."""
    modules = _download(folder)
    source = "\n".join(file.read_text() for file in sorted(modules.glob("*.go")) if "_test" not in file.name)
    structs = {name: _FIELD.findall(body) for name, body in _STRUCT.findall(source)}
    return set(_walk("Domain", "/domain", structs, ("Domain",)))


def _download(folder: Path) -> Path:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    (folder / "go.mod").write_text("module places\n")
    said = subprocess.run(
        [go(), "mod", "download", "-json", f"{MODULE}@{VERSION}"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(json.loads(said.stdout)["Dir"])


def _walk(
    name: str, path: str, structs: dict[str, list[tuple[str, str, str, str]]], inside: tuple[str, ...]
) -> Iterator[str]:
    fields = structs.get(name, [])
    listed = {kind for _, many, kind, _ in fields if many.startswith("[]")}
    for _, many, kind, tag in fields:
        word, *options = tag.split(",")
        space, _, local = word.rpartition(" ")
        # A single field beside a list of the same kind is the module's old name for its first entry.
        first = word == "-" and not many.startswith("[]") and kind in listed
        if first or kind == "xml.Name" or {"chardata", "innerxml", "comment"} & set(options):
            continue
        if "attr" in options:
            yield f"{path}/@{local}"
            continue
        here = path
        if local not in ("", "-"):
            prefix = f"{space.rsplit('/', 2)[-2]}:" if space else ""
            here = f"{path}/{prefix}{local.replace('>', '/')}"
            yield here
        if kind in structs and inside.count(kind) < 2:
            yield from _walk(kind, here, structs, (*inside, kind))
