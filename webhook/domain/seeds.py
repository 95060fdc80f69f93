"""What a guest is set up with at its first boot, made of a Secret or a ConfigMap: cloud-init, sysprep, Ignition.

A VM names the object; its content is never read here. In the isolated form the host finds it at a conventional path,
where the node's agent puts what it makes of the object's known keys (docs/features.md).
"""

from __future__ import annotations

from webhook.domain.convention import VolumePath, is_name
from webhook.trees import Tree

# cloud-init's names of its datasources (a file system labelled `cidata`, one labelled `config-2`), and Windows' setup.
NO_CLOUD, CONFIG_DRIVE, SYSPREP = "NoCloud", "ConfigDrive", "Sysprep"
# Where Ignition looks on QEMU (coreos.github.io/ignition/supported-platforms).
IGNITION = "opt/com.coreos/config"

_FOLDER = "/var/lib/vmconfig/seeds/"
IMAGES = {seed: VolumePath("file", f"{_FOLDER}{seed.lower()}/", ".iso") for seed in (NO_CLOUD, CONFIG_DRIVE, SYSPREP)}
# Ignition's configuration is a text and no image.
BLOB = VolumePath("file", f"{_FOLDER}ignition/", ".ign")

# The fields that refer to an object, and the words for its kind; no object's name has an underscore.
_KINDS = {"secret": "secret", "configMap": "configmap"}
_MARK = "_"


def object_of(tree: Tree) -> str:
    """The object that a disk or an entry of fw_cfg refers to, like `secret/web-init`; empty where there is none."""
    return next((f"{kind}/{tree[field]}" for field, kind in _KINDS.items() if tree.get(field)), "")


def conventional(path: VolumePath, tree: Tree) -> dict[str, str]:
    """The part of a source that names the file made of what a tree refers to; empty where it refers to nothing."""
    name = object_of(tree)
    return path.source(name.replace("/", _MARK, 1)) if name else {}


def read_back(path: VolumePath, source: Tree) -> dict[str, str]:
    """The inverse: the reference that a source is made of; empty where it is none of this convention."""
    stated = source.get(path.field)
    if type(stated) is not str or not stated.startswith(path.before) or not stated.endswith(path.after):
        return {}
    kind, _, name = stated.removeprefix(path.before).removesuffix(path.after).partition(_MARK)
    return next(({field: name} for field, word in _KINDS.items() if word == kind and is_name(name)), {})
