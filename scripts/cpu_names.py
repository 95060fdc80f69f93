"""Write webhook/domain/cpu_names.yaml: the names of CPU models and features, by architecture.

They are those of the installed libvirt's CPU map, of the maps in further folders (a newer libvirt's), and those that
the file holds already: what a libvirt has known once, it knows for good. Where libvirt has no names of its own (models
of aarch64, riscv64 and s390x, features of s390x) it hands on QEMU's, which the installed QEMU lists; and a newer
libvirt knows the versions of a PC's models (`Haswell-v4`) by QEMU's names.

    python scripts/cpu_names.py [FOLDER ...]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import yaml

FILE = Path(__file__).parents[1] / "webhook" / "domain" / "cpu_names.yaml"
INSTALLED = Path("/usr/share/libvirt/cpu_map")
# How the map and QEMU name our architectures.
MAPS = {"x86_64": "x86", "aarch64": "arm", "ppc64le": "ppc64"}
EMULATORS = {"aarch64": "aarch64", "riscv64": "riscv64", "s390x": "s390x"}
_VERSION = re.compile(r"(.+)-v[0-9]+")
# What QEMU lists beside models: whatever the host or QEMU has, and what is not finished.
NO_MODELS = re.compile(r"host|max|base|any|x-.*|Available")
HEAD = """\
# The names of CPU models and features by architecture: those of libvirt's CPU map, and QEMU's where libvirt has none.
# `others` are names of QEMU's for what libvirt calls otherwise. Written by scripts/cpu_names.py; a test compares it
# with the installed libvirt.
"""

Names = dict[str, dict[str, set[str]]]


def of_map(folder: Path) -> tuple[Names, dict[str, str]]:
    """The names of one CPU map by architecture, and QEMU's other names of features."""
    names: Names = {arch: {"features": set(), "models": set()} for arch in MAPS}
    others: dict[str, str] = {}
    for arch, prefix in MAPS.items():
        for file in sorted(folder.glob(f"{prefix}_*.xml")):
            for node in ElementTree.parse(file).getroot():
                name = node.get("name", "")
                if node.tag == "model":
                    names[arch]["models"].add(name)
                elif node.tag == "feature":
                    names[arch]["features"].add(name)
                    others |= {alias.get("name", ""): name for alias in node.findall("alias[@source='qemu']")}
    return names, others


def of_qemu(emulator: str) -> dict[str, set[str]]:
    """The models that a QEMU lists, and the features of s390x."""
    printed = subprocess.run(
        [f"qemu-system-{emulator}", "-cpu", "help"], check=True, capture_output=True, text=True
    ).stdout
    models, _, flags = re.sub("^(s390|x86) ", "", printed, flags=re.M).partition("Recognized feature flags:\n")
    features = {line.split()[0] for line in flags.splitlines() if line and not line.startswith("Recognized")}
    listed = {line.split()[0] for line in models.partition("Recognized")[0].splitlines() if line.strip()}
    return {"models": {name for name in listed if not NO_MODELS.fullmatch(name)}, "features": features}


def versions(models: set[str]) -> set[str]:
    """QEMU's versions of these models."""
    listed = of_qemu("x86_64")["models"]
    return {name for name in listed if (version := _VERSION.fullmatch(name)) and version[1] in models}


def gathered(folders: list[Path]) -> tuple[Names, dict[str, str]]:
    """All names together, with those that the file holds."""
    known = yaml.safe_load(FILE.read_text()) if FILE.exists() else {"names": {}, "others": {}}
    names: Names = {arch: {"features": set(), "models": set()} for arch in (*MAPS, *EMULATORS)}
    others: dict[str, str] = dict(known["others"])
    found = [{arch: {what: set(each) for what, each in names.items()} for arch, names in known["names"].items()}]
    for folder in folders:
        of_one, other = of_map(folder)
        found.append(of_one)
        others |= other
    found.append({arch: of_qemu(emulator) for arch, emulator in EMULATORS.items()})
    for each in found:
        for arch, said in each.items():
            for what, some in said.items():
                names[arch][what] |= some
    names["x86_64"]["models"] |= versions(names["x86_64"]["models"])
    mine = {name for said in names.values() for name in said["features"]}
    return names, {name: known for name, known in others.items() if name not in mine}


def main(folders: list[Path]) -> None:
    """Write the file."""
    names, others = gathered([INSTALLED, *folders])
    tree = {
        "names": {arch: {what: sorted(some) for what, some in said.items()} for arch, said in sorted(names.items())},
        "others": dict(sorted(others.items())),
    }
    FILE.write_text(HEAD + yaml.safe_dump(tree, width=118, default_flow_style=None, sort_keys=False))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
