"""What a cluster has of KubeVirt's at this moment: asked for once, for a command that looks and goes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from certs.cluster import TIMEOUT
from webhook.cluster.api import Unanswered, asking, pages
from webhook.cluster.vms import stored_if_known
from webhook.kubevirt.api import KINDS
from webhook.trees import Tree

_INSTANCE_TYPES = "instancetype.kubevirt.io"


class KubeVirtNow:
    """`api` is an ApiClient. Everything raises Unanswered."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._found: dict[tuple[str, str, str], Tree | None] = {}

    def kubevirt(self) -> Tree:
        """KubeVirt's own object; empty where there is none."""
        from kubernetes.client import CustomObjectsApi

        ask = CustomObjectsApi(self._api).list_cluster_custom_object
        try:
            with asking("kubevirts"):
                return next(pages(ask, group="kubevirt.io", version="v1", plural="kubevirts"), {})
        except Unanswered as error:
            if error.status != 404:
                raise
            return {}

    def machines(self, namespace: str) -> Iterator[tuple[Tree, Tree | None]]:
        """Each VM of a namespace, with the instance that runs of it."""
        running = {each["metadata"]["name"]: each for each in self._stored("VirtualMachineInstance", namespace)}
        for vm in self._stored("VirtualMachine", namespace):
            yield vm, running.get(vm["metadata"]["name"])

    def find(self, kind: str, namespace: str, name: str) -> Tree | None:
        """An instance type, preference or revision; in no namespace where that is empty."""
        key = (kind, namespace, name)
        if key not in self._found:
            self._found[key] = self._asked(*key)
        return self._found[key]

    def _stored(self, kind: str, namespace: str) -> Iterator[Tree]:
        found = KINDS[kind]
        for obj in stored_if_known(self._api, found, namespace):
            yield {"apiVersion": found.api_version, "kind": kind, **obj}

    def _asked(self, kind: str, namespace: str, name: str) -> Tree | None:
        from kubernetes.client import AppsV1Api, CustomObjectsApi

        apps: Any = AppsV1Api(self._api)
        custom: Any = CustomObjectsApi(self._api)
        where, plural = (_INSTANCE_TYPES, "v1beta1"), f"{kind.lower()}s"
        try:
            with asking(f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"):
                if kind == "ControllerRevision":
                    ask = partial(apps.read_namespaced_controller_revision, name, namespace)
                elif namespace:
                    ask = partial(custom.get_namespaced_custom_object, *where, namespace, plural, name)
                else:
                    ask = partial(custom.get_cluster_custom_object, *where, plural, name)
                answer = ask(_preload_content=False, _request_timeout=TIMEOUT)
                found: Tree = orjson.loads(answer.data)
                return found
        except Unanswered as error:
            if error.status != 404:
                raise
            return None
