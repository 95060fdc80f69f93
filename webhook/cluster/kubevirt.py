"""What the cluster has of KubeVirt's, from watches: its version, and what VMs are made of beside themselves.

Read by reviews in the event loop and written by the watches' threads: dictionaries whose entries are replaced whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from webhook.cluster.watch import Watch
from webhook.declare.tree import at
from webhook.kubevirt.starting.site import Site
from webhook.kubevirt.starting.topology import NEWEST
from webhook.trees import Tree

Key = tuple[str, str]
_INSTANCE_TYPES, _VERSION = "instancetype.kubevirt.io", "v1beta1"
# Kinds that are looked up, by their plural.
_KINDS = {
    "virtualmachineinstancetypes": "VirtualMachineInstancetype",
    "virtualmachineclusterinstancetypes": "VirtualMachineClusterInstancetype",
    "virtualmachinepreferences": "VirtualMachinePreference",
    "virtualmachineclusterpreferences": "VirtualMachineClusterPreference",
}
# The label of the revisions in which KubeVirt keeps what a VM met.
_REVISIONS = "instancetype.kubevirt.io/object-name"


class KubeVirtObjects:
    """KubeVirt's objects by kind, namespace and name.

    `api` is an ApiClient; `log` is called when a watch is lost and found again.
    """

    def __init__(self, api: Any, log: Callable[..., None]) -> None:
        # The kubernetes client is imported when first asked.
        from kubernetes.client import AppsV1Api, CustomObjectsApi

        custom, apps = CustomObjectsApi(api), AppsV1Api(api)
        self._known: dict[str, dict[Key, Tree]] = {}
        reads: dict[str, tuple[str, Any]] = {
            kind: (plural, partial(custom.list_cluster_custom_object, _INSTANCE_TYPES, _VERSION, plural))
            for plural, kind in _KINDS.items()
        }
        listed = partial(apps.list_controller_revision_for_all_namespaces, label_selector=_REVISIONS)
        reads["ControllerRevision"] = ("controllerrevisions", listed)
        reads["KubeVirt"] = ("kubevirts", partial(custom.list_cluster_custom_object, "kubevirt.io", "v1", "kubevirts"))
        self.watches = [self._watch(kind, plural, read, log) for kind, (plural, read) in reads.items()]

    def find(self, kind: str, namespace: str, name: str) -> Tree | None:
        """The object of this kind and name; in no namespace where that is empty."""
        return self._known[kind].get((namespace, name))

    def site(self) -> Site:
        """What is known of KubeVirt now: of its one object, and where VMs' other parts are looked up."""
        stated = next(iter(self._known["KubeVirt"].values()), {})
        return Site(version=_version(stated), card=_card(stated), find=self.find)

    def _watch(self, kind: str, plural: str, read: Any, log: Callable[..., None]) -> Watch:
        self._known[kind] = {}

        def replace(objects: Iterable[Tree]) -> None:
            self._known[kind] = {_key(obj): obj for obj in objects}

        def change(obj: Tree, gone: bool) -> None:
            if gone:
                self._known[kind].pop(_key(obj), None)
            else:
                self._known[kind][_key(obj)] = obj

        return Watch(plural, read, replace, change, log)


def _key(obj: Tree) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def _version(kubevirt: Tree) -> str:
    version = at(kubevirt, "status.observedKubeVirtVersion")
    return version if type(version) is str else NEWEST


def _card(kubevirt: Tree) -> str:
    card = at(kubevirt, "spec.configuration.network.defaultNetworkInterface")
    return card if card in ("bridge", "masquerade") else "bridge"
