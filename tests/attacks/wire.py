"""The service as an API server meets it: a real process, HTTPS, AdmissionReviews; findings read from its log.

A refusal's message names the rules of policies alone; the log names every rule, so that is what is compared.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import jsonpatch
import orjson

from tests.admission.reviews import review
from tests.attacks.manifests import named
from tests.e2e.service import Service, serving
from webhook.trees import Tree

_JSON = {"content-type": "application/json"}
_uids = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """One answer: the verdict, (path, rule) of each finding, and the object as it would go on."""

    allowed: bool
    findings: frozenset[tuple[str, str]]
    object: Tree
    message: str = ""


@dataclass
class Wire:
    """A connection to one service, and its log."""

    service: Service
    client: httpx.Client
    log: BinaryIO
    unread: dict[str, Tree] = field(default_factory=dict)

    def ask(self, hook: str, obj: Tree, old: Tree | None = None, **asked: Any) -> Answer:
        """One review of an object's creation, or of its update."""
        body = review(obj, old=old, **asked)
        uid = body["request"]["uid"] = f"attack-{next(_uids)}"
        answer = self.client.post(f"/{hook}?timeout=3s", content=orjson.dumps(body), headers=_JSON)
        assert answer.status_code == 200, answer.text
        response = answer.json()["response"]
        assert response["uid"] == uid
        line = self._line(uid)
        found = frozenset((named(each["path"], obj), each["rule"].split(" ")[0]) for each in line.get("findings", ()))
        message = response.get("status", {}).get("message", "")
        return Answer(response["allowed"], found, _patched(obj, response), message)

    def pair(self, obj: Tree, old: Tree | None = None) -> Answer:
        """Both webhooks one after the other: what the first made of the object goes to the second."""
        first = self.ask("mutate", obj, old)
        return self.ask("validate", first.object, old) if first.allowed else first

    def post(self, hook: str, body: bytes, **headers: str) -> httpx.Response:
        """A body as it is."""
        return self.client.post(f"/{hook}", content=body, headers={**_JSON, **headers})

    def _line(self, uid: str) -> Tree:
        """The log's line of a review, which is written a moment after the answer."""
        ends = time.monotonic() + 60
        while uid not in self.unread:
            text = self.log.readline()
            if not text.endswith(b"\n"):
                assert time.monotonic() < ends, f"the log has no line of {uid}"
                self.log.seek(-len(text), os.SEEK_CUR)
                time.sleep(0.001)
                continue
            line = orjson.loads(text)
            self.unread[line.get("uid", "")] = line
        return self.unread.pop(uid)


def _patched(obj: Tree, response: Tree) -> Tree:
    patch = response.get("patch")
    made: Tree = jsonpatch.apply_patch(obj, orjson.loads(base64.b64decode(patch))) if patch else obj
    return made


@contextlib.contextmanager
def wired(folder: Path, level: str, *flags: str, **options: Any) -> Iterator[Wire]:
    """A service of its own whose namespaces are of this level; options are those of `serving`."""
    with (
        serving(folder, flags=("--default-level", level, "--drain-seconds", "0", *flags), **options) as service,
        (folder / "log").open("rb") as log,
    ):
        client = httpx.Client(base_url=service.url, verify=service.trusted(), timeout=30, trust_env=False)
        with client:
            yield Wire(service, client, log)
