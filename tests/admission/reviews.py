"""Reviews as an API server writes them, and the service without a network in between."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

import jsonpatch
import orjson
from fastapi.testclient import TestClient

from webhook.server.app import create_app
from webhook.server.settings import Settings
from webhook.trees import Tree

POLICIES = Path(__file__).parents[2] / "policies"
PLURALS = {"VM": "vmdefinitions", "VirtualMachineConfig": "virtualmachineconfigs"}


@contextlib.contextmanager
def service() -> Iterator[TestClient]:
    """The whole application behind an in-process client."""
    app = create_app(Settings(policies=POLICIES))
    with TestClient(app, base_url="https://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def review(obj: Tree, *, old: Tree | None = None, user: str = "tenant", namespace: str = "default") -> Tree:
    """An AdmissionReview about the creation of an object, or its update."""
    group, _, version = obj["apiVersion"].partition("/")
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "resource": {"group": group, "version": version, "resource": PLURALS.get(obj["kind"], "things")},
        "name": obj["metadata"]["name"],
        "namespace": namespace,
        "operation": "UPDATE" if old else "CREATE",
        "userInfo": {"username": user, "groups": ["system:authenticated"]},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        "options": None,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def ask(client: TestClient, path: str, body: Tree) -> Tree:
    """The response of one review."""
    answer = client.post(path, content=orjson.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    response: Tree = answer.json()["response"]
    return response


def patched(obj: Tree, response: Tree) -> Tree:
    """The object after a response's patch."""
    patch = response.get("patch")
    return jsonpatch.apply_patch(obj, orjson.loads(base64.b64decode(patch))) if patch else obj  # type: ignore[no-any-return]


def admitted(client: TestClient, obj: Tree, old: Tree | None = None) -> Tree | None:
    """What would be stored: mutated, patched, validated; None where it was refused."""
    first = ask(client, "/mutate", review(obj, old=old))
    if not first["allowed"]:
        return None
    final = patched(obj, first)
    return final if ask(client, "/validate", review(final, old=old))["allowed"] else None
