"""What is stored in a cluster: its namespaces with their labels, and the VMs and VirtualMachineConfigs in them.

Read in pages, each object dropped before the next page is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from certs.cluster import TIMEOUT
from webhook.cluster.api import Unanswered, asking, pages
from webhook.kinds import GROUP, VERSION, Kind
from webhook.kubevirt.api import KubeVirtKind
from webhook.trees import Tree


def namespaces(api: Any, wanted: Collection[str] = ()) -> dict[str, Mapping[str, str]]:
    """The labels of each namespace by its name; `wanted` names the only ones asked for. Raises Unanswered."""
    from kubernetes.client import CoreV1Api

    with asking("namespaces"):
        found = (item["metadata"] for item in pages(CoreV1Api(api).list_namespace))
        return {each["name"]: each.get("labels") or {} for each in found if not wanted or each["name"] in wanted}


def stored(api: Any, kind: Kind | KubeVirtKind, namespace: str) -> Iterator[Tree]:
    """The objects of a kind in a namespace, as they are stored; raises Unanswered."""
    from kubernetes.client import CustomObjectsApi

    ask = CustomObjectsApi(api).list_namespaced_custom_object
    group, _, version = kind.api_version.partition("/")
    with asking(f"{kind.plural} in {namespace}"):
        yield from pages(ask, group=group, version=version, namespace=namespace, plural=kind.plural)


def stored_if_known(api: Any, kind: Kind | KubeVirtKind, namespace: str) -> Iterator[Tree]:
    """The same, none where the cluster does not have the kind."""
    try:
        yield from stored(api, kind, namespace)
    except Unanswered as error:
        if error.status != 404:
            raise


def named(api: Any, kind: Kind, namespace: str, name: str) -> Tree:
    """One object, as it is stored; raises Unanswered, with status 404 where it is not there."""
    from kubernetes.client import CustomObjectsApi

    with asking(f"{kind.singular} {namespace}/{name}"):
        ask = CustomObjectsApi(api).get_namespaced_custom_object
        found: Any = ask(GROUP, VERSION, namespace, kind.plural, name, _request_timeout=TIMEOUT)
    return dict(found)
