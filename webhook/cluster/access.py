"""May a user do this to that object: asked of the API server (SubjectAccessReview), for the few reviews that must know.

One question is one call, which waits for its answer: for threads of their own, never for the event loop.
"""

from __future__ import annotations

from typing import Any

import orjson

from webhook.admission.rights import Access
from webhook.cluster.api import Unanswered, asking
from webhook.trees import Tree

# Seconds to connect, and to wait for the answer to one question.
_TIMEOUT = (1, 2)


class AccessReviews:
    """Asks the cluster; `api` is an ApiClient."""

    def __init__(self, api: Any) -> None:
        from kubernetes.client import AuthorizationV1Api

        self._ask: Any = AuthorizationV1Api(api).create_subject_access_review

    def __call__(self, user: Tree, access: Access) -> bool:
        """Whether the user, as a review describes him, may; raises Unanswered."""
        attributes = {
            "verb": access.verb,
            "group": access.group,
            "resource": access.resource,
            "namespace": access.namespace,
            "name": access.name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {**user, "resourceAttributes": attributes},
        }
        with asking("the review of access"):
            answer = self._ask(body, _preload_content=False, _request_timeout=_TIMEOUT)
            status = orjson.loads(answer.data).get("status") or {}
        if status.get("allowed") is not True and status.get("evaluationError"):
            raise Unanswered(f"the review of access: {status['evaluationError']}")
        return bool(status.get("allowed") is True)
