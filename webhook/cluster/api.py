"""Asking the API server: raw lists in pages, and one error for all that can go wrong.

The kubernetes client is imported when first asked: it costs half a second, which other verbs need not pay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from certs.cluster import TIMEOUT, connect
from webhook.trees import Tree

# Objects of one answer: of whole VMs some MiB at most.
PAGE = 100


class Unanswered(OSError):
    """The cluster cannot be asked, or says no; `status` is HTTP's, 0 where nobody answered."""

    def __init__(self, problem: str, status: int = 0) -> None:
        self.status = status
        super().__init__(problem)


def connected(kubeconfig: Path | None = None) -> Any:
    """An ApiClient of the kubeconfig's cluster, of this pod's, or else of the user's current one; raises Unanswered."""
    with asking("the cluster"):
        return connect(kubeconfig).core.api_client


def usual_namespace(kubeconfig: Path | None = None) -> str:
    """The namespace of the kubeconfig's current context; `default` where it names none, or there is no kubeconfig."""
    from kubernetes import config

    load: Any = config
    try:
        _, current = load.list_kube_config_contexts(kubeconfig and str(kubeconfig))
    except config.ConfigException:
        return "default"
    return (current.get("context") or {}).get("namespace") or "default"


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turns everything that the client raises into Unanswered; `what` names the thing that is asked for."""
    from kubernetes.client import ApiException
    from kubernetes.config import ConfigException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise Unanswered(f"{what}: the API server answers {error.status} {error.reason}", error.status) from error
    except (ConfigException, HTTPError) as error:
        raise Unanswered(f"{what}: {str(error).splitlines()[0]}") from error


def pages(ask: Callable[..., Any], **wanted: Any) -> Iterator[Tree]:
    """Every object of a list, a page at a time. `ask` is a list call of the client without its `limit`.

    Where a list takes so long that the API server has forgotten its moment, it goes on with what is there now.
    """
    more: dict[str, str] = {}
    while True:
        page = _page(ask, {**wanted, **more})
        yield from page.get("items") or ()
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return
        more = {"_continue": token}


def _page(ask: Callable[..., Any], wanted: Tree) -> Tree:
    from kubernetes.client import ApiException

    try:
        answer = ask(**wanted, limit=PAGE, _preload_content=False, _request_timeout=TIMEOUT)
    except ApiException as error:
        token = _going_on(error)
        if not token:
            raise
        # Beside its 410 the API server hands out a token for the rest of the list as it is now.
        return {"metadata": {"continue": token}}
    found: Tree = orjson.loads(answer.data)
    return found


def _going_on(error: Any) -> str:
    if error.status != 410:
        return ""
    try:
        token = json.loads(error.body)["metadata"]["continue"]
    except (ValueError, TypeError, KeyError):
        return ""
    return token if isinstance(token, str) else ""
