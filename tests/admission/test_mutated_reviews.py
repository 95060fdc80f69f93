"""Ten thousand mutated reviews through the whole service: an answer each, and never an error of ours."""

from __future__ import annotations

import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from fastapi.testclient import TestClient

from tests.admission.reviews import admitted, review, service

EXAMPLES = Path(__file__).parents[2] / "examples"
COUNT = 10_000
# What YAML, JSON and hostile people put where something else belongs.
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 1.5, "", "x", "../../etc/passwd", "a" * 5000, "\u202e", "\x00", "true",
    "0x10", "4Gi", "-1", [], {}, [[]], [None], {"": ""}, {"name": None}, [{}], {"a": {"b": {"c": {}}}}, "file:///etc/passwd",
    "<!DOCTYPE x>", "${jndi}", "{{7*7}}", "$(id)", "1e400", "NaN", {"$ref": "#"}, [1, "a", None], "ＡＢＣ", "\ud7ff",
]  # fmt: skip


@pytest.mark.thorough
def test_ten_thousand_mutated_reviews_get_an_answer_and_never_an_error() -> None:
    draw = random.Random(20260101)
    with service() as client:
        seeds = _seeds(client)
        statuses: dict[tuple[int, int | None], int] = {}
        for number in range(COUNT):
            body = _mutated(draw.choice(seeds), draw)
            path = "/mutate" if number % 2 else "/validate"
            answer = client.post(path, content=body, headers={"content-type": "application/json"})
            code = None
            if answer.status_code == 200:
                response = orjson.loads(answer.content)["response"]
                code = None if response["allowed"] else response["status"]["code"]
                if not response["allowed"]:
                    assert response["status"]["message"]
            statuses[answer.status_code, code] = statuses.get((answer.status_code, code), 0) + 1
    assert {status for status, _ in statuses} <= {200, 400, 413}, statuses
    assert not {code for _, code in statuses if code is not None and code >= 500}, statuses
    # The corpus reaches all three ends: allowed, denied, and no review at all.
    assert statuses.get((200, None), 0) > 100
    assert sum(count for (status, code), count in statuses.items() if status == 200 and code) > 1000
    assert sum(count for (status, _), count in statuses.items() if status == 400) > 10


def _seeds(client: TestClient) -> list[dict[str, Any]]:
    """Creations and updates of every example, as it is written and as it is stored."""
    seeds = []
    for path in sorted(EXAMPLES.glob("*.yaml")):
        written = yaml.safe_load(path.read_text())
        seeds.append(review(written))
        stored = admitted(client, written)
        if stored is not None:
            seeds += [review(stored), review(written, old=stored), review(stored, old=stored)]
    return seeds


def _mutated(seed: dict[str, Any], draw: random.Random) -> bytes:
    tree = orjson.loads(orjson.dumps(seed))
    for _ in range(draw.choice((1, 1, 2, 5))):
        # Most of them in the object itself, some around it.
        _mutate(tree["request"]["object"] if draw.random() < 0.8 and _has_object(tree) else tree, draw)
    body = orjson.dumps(tree, default=str)
    if draw.random() < 0.02:
        cut = draw.randrange(len(body))
        body = body[:cut] + bytes([draw.randrange(256)]) + body[cut + draw.randrange(2) :]
    return body


def _has_object(tree: Any) -> bool:
    request = tree.get("request")
    return isinstance(request, dict) and isinstance(request.get("object"), dict)


def _mutate(tree: Any, draw: random.Random) -> None:
    """Change one place: another value, a key less, a key more, a copy of something else."""
    holder, key = _place(tree, draw)
    if holder is None:
        return
    kind = draw.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[draw.choice(("x", "Name", "source", "file", "", "a/b~c", "alias", "qemu:commandline"))] = _strange(draw)
    elif kind == 2:
        other, place = _place(tree, draw)
        holder[key] = orjson.loads(orjson.dumps(other[place])) if other is not None else None
    elif kind == 3 and isinstance(holder, list):
        holder.append(orjson.loads(orjson.dumps(holder[key])))
    else:
        holder[key] = _strange(draw)


def _strange(draw: random.Random) -> Any:
    """A value that belongs elsewhere: a copy, for the next change may be made inside it, even with itself."""
    return deepcopy(draw.choice(STRANGE))


def _place(tree: Any, draw: random.Random) -> tuple[Any, Any]:
    """A random place of a tree: its holder and its key; deeper places are as likely as shallow ones."""
    holder, key = None, None
    here = tree
    while isinstance(here, (dict, list)) and here:
        holder, key = here, draw.choice(list(here)) if isinstance(here, dict) else draw.randrange(len(here))
        here = here[key]
        if draw.random() < 0.12:
            break
    return holder, key
