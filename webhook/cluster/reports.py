"""PolicyReports in a cluster: which of ours there are, and how one is written and removed.

Written by server-side apply: a report that says the same as before is no write in etcd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certs.cluster import TIMEOUT
from webhook.cluster.api import Unanswered, asking, pages
from webhook.policy.tools.report import GROUP, LABEL, NAME, PLURAL, VERSION
from webhook.trees import Tree

# The field manager that the API server notes for our writes.
WRITER = "vmconfig-audit"
_APPLY = "application/apply-patch+yaml"
_WHERE = {"group": GROUP, "version": VERSION, "plural": PLURAL}


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of one name in a cluster; `api` is an ApiClient. Everything raises Unanswered."""

    api: Any
    name: str = NAME

    def namespaces(self) -> set[str]:
        """The namespaces that have a report of ours."""
        try:
            with asking(PLURAL):
                ask = self._objects().list_cluster_custom_object
                ours = pages(ask, **_WHERE, label_selector=f"{LABEL}={NAME}")
                return {each["metadata"]["namespace"] for each in ours if each["metadata"]["name"] == self.name}
        except Unanswered as error:
            if error.status != 404:
                raise
            way = "install their CustomResourceDefinition, or leave out `--write-reports`"
            raise Unanswered(f"the cluster knows no {PLURAL} of {GROUP}/{VERSION}\n  help: {way}", 404) from error

    def write(self, report: Tree) -> bool:
        """Make or replace the report of a namespace; False where the namespace is going or gone."""
        from kubernetes.client import ApiException

        namespace = report["metadata"]["namespace"]
        try:
            with asking(f"the report of {namespace}"):
                self._objects().patch_namespaced_custom_object(
                    **_WHERE,
                    namespace=namespace,
                    name=self.name,
                    body=report,
                    field_manager=WRITER,
                    force=True,
                    _content_type=_APPLY,
                    _request_timeout=TIMEOUT,
                )
        except Unanswered as error:
            cause = error.__cause__
            if isinstance(cause, ApiException) and _going(cause):
                return False
            raise
        return True

    def remove(self, namespace: str) -> None:
        """Remove the report of a namespace; one that is gone is no error."""
        try:
            with asking(f"the report of {namespace}"):
                self._objects().delete_namespaced_custom_object(
                    **_WHERE, namespace=namespace, name=self.name, _request_timeout=TIMEOUT
                )
        except Unanswered as error:
            if error.status != 404:
                raise

    def _objects(self) -> Any:
        from kubernetes.client import CustomObjectsApi

        return CustomObjectsApi(self.api)


def _going(error: Any) -> bool:
    """Whether the API server refused because the namespace is being deleted, or is not there any more."""
    return error.status == 404 or (error.status == 403 and "NamespaceTerminating" in str(error.body))
