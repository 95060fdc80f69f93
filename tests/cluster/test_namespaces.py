"""The labels of namespaces from a real API server: they follow, and they outlast a server that is away."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from certs.cluster import connect
from tests.cluster.cluster import Cluster, running
from tests.waiting import PATIENCE, until
from webhook.cluster.api import Unanswered
from webhook.cluster.namespaces import UNKNOWN, Namespaces
from webhook.cluster.watch import Watch, pause

LEVEL = "vmconfig.kubevirt.io/enforce"
# What a test waits at most; what the service promises is a second or two, and is measured where it is promised.
_numbers = itertools.count(1)


class Told:
    """What the watch has said, as the log would have it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: str, **_: Any) -> None:
        self.lines.append(event)


@contextmanager
def watching(kubeconfig: Path, version: str = "") -> Iterator[tuple[Namespaces, Told]]:
    """Namespaces under watch; with a version, as if they had been listed when the cluster had it."""
    told = Told()
    namespaces = Namespaces(connect(kubeconfig).core, told)
    namespaces.watch._version = version
    with following(namespaces):
        yield namespaces, told


@contextmanager
def following(namespaces: Namespaces) -> Iterator[threading.Thread]:
    """The watch's loop in a thread, which has ended when this is left."""
    thread = threading.Thread(target=namespaces.watch.run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        namespaces.watch.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def made(cluster: Cluster, **labels: str) -> str:
    name = f"watched-{next(_numbers)}"
    cluster.kubectl("create", "namespace", name)
    for label, value in labels.items():
        cluster.kubectl("label", "namespace", name, f"{label}={value}")
    return name


def label(cluster: Cluster, name: str, change: str) -> None:
    cluster.kubectl("label", "--overwrite", "namespace", name, change)


def test_what_was_there_before_is_known_once_it_is_synced(cluster: Cluster) -> None:
    name = made(cluster, tier="web")
    with watching(cluster.kubeconfig()) as (namespaces, _):
        until(lambda: namespaces.watch.synced)
        assert namespaces.labels(name)["tier"] == "web"
        assert LEVEL not in namespaces.labels(name)


def test_labels_follow(cluster: Cluster) -> None:
    name = made(cluster)
    with watching(cluster.kubeconfig()) as (namespaces, _):
        until(lambda: namespaces.watch.synced)
        for level in ("baseline", "privileged"):
            label(cluster, name, f"{LEVEL}={level}")
            until(lambda level=level: namespaces.labels(name).get(LEVEL) == level)
        label(cluster, name, f"{LEVEL}-")
        until(lambda: LEVEL not in namespaces.labels(name))


def test_a_new_namespace_is_known_and_a_deleted_one_is_strict_again(cluster: Cluster) -> None:
    with watching(cluster.kubeconfig()) as (namespaces, _):
        until(lambda: namespaces.watch.synced)
        name = made(cluster, **{LEVEL: "privileged"})
        until(lambda: namespaces.labels(name).get(LEVEL) == "privileged")
        # Nothing empties a namespace here: no controllers run.
        with cluster.client() as client:
            client.delete(f"/api/v1/namespaces/{name}")
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}}
            client.put(f"/api/v1/namespaces/{name}/finalize", json=body)
        until(lambda: namespaces.labels(name) is UNKNOWN)
        assert namespaces.labels(name)[LEVEL] == "restricted"


def test_a_list_of_several_pages_is_read_whole(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.cluster.watch._PAGE", 2)
    names = [made(cluster) for _ in range(3)]
    with watching(cluster.kubeconfig()) as (namespaces, _):
        until(lambda: namespaces.watch.synced)
        assert all(namespaces.labels(name) is not UNKNOWN for name in names)
        assert len(namespaces) == len(cluster.kubectl("get", "namespaces", "-o", "name").stdout.splitlines())


def test_whoever_may_not_list_is_told_so_and_goes_on_trying(cluster: Cluster) -> None:
    with watching(cluster.kubeconfig("tenant")) as (namespaces, told):
        until(lambda: namespaces.watch.problem)
        assert "403" in namespaces.watch.problem
        assert not namespaces.watch.synced
        cluster.kubectl("create", "clusterrole", "may-list", "--verb=list,watch", "--resource=namespaces")
        cluster.kubectl("create", "clusterrolebinding", "may-list", "--clusterrole=may-list", "--user=tenant")
        try:
            until(lambda: namespaces.watch.synced)
            until(lambda: told.lines[-1:] == ["namespaces followed"])
        finally:
            cluster.kubectl("delete", "clusterrole,clusterrolebinding", "may-list")
        assert told.lines == ["namespaces lost", "namespaces followed"]


def test_a_quiet_watch_ends_when_it_is_told_to(cluster: Cluster) -> None:
    told = Told()
    namespaces = Namespaces(connect(cluster.kubeconfig()).core, told)
    with following(namespaces) as thread:
        until(lambda: namespaces.watch.synced)
        time.sleep(0.5)  # it waits for events that do not come
        namespaces.watch.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert told.lines == []


def test_a_watch_that_the_server_ends_in_order_misses_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.cluster.watch._WATCHED", 1)
    name = made(cluster)
    with watching(cluster.kubeconfig()) as (namespaces, told):
        until(lambda: namespaces.watch.synced)
        for number in range(8):
            label(cluster, name, f"count={number}")
            until(lambda number=number: namespaces.labels(name).get("count") == str(number))
            time.sleep(0.3)
    assert told.lines == []


def test_while_the_server_is_away_the_last_labels_stay_and_they_follow_again_after(tmp_path: Path) -> None:
    with running(tmp_path) as own:
        name = made(own, **{LEVEL: "baseline"})
        with watching(own.kubeconfig()) as (namespaces, told):
            until(lambda: namespaces.labels(name).get(LEVEL) == "baseline")
            with own.away():
                until(lambda: namespaces.watch.problem)
                time.sleep(1)
                assert namespaces.labels(name)[LEVEL] == "baseline"
                assert namespaces.watch.synced
                age = namespaces.watch.age
                assert age is not None
                assert age > 0.9
            label(own, name, f"{LEVEL}=privileged")
            until(lambda: namespaces.labels(name)[LEVEL] == "privileged")
            assert not namespaces.watch.problem
            assert told.lines == ["namespaces lost", "namespaces followed"]
            label(own, name, f"{LEVEL}=restricted")
            until(lambda: namespaces.labels(name)[LEVEL] == "restricted")
        # A server that has just begun remembers nothing from before: 410 Gone.
        with watching(own.kubeconfig(), version="1") as (namespaces, told):
            until(lambda: namespaces.watch.synced)
            assert namespaces.labels(name)[LEVEL] == "restricted"


class Stand:
    """A stand-in for answers of an API server that a real one gives too rarely: each call takes the next."""

    def __init__(self, *answers: list[bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def list_namespace(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if not self.answers:
            raise OSError("nobody is there")
        return Answer(self.answers.pop(0))


class Answer:
    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = [*chunks]

    def read(self, most: int) -> bytes:
        return b"".join(self.chunks)[:most]

    def read1(self, most: int, **_: Any) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if len(chunk) > most:
            self.chunks.insert(0, chunk[most:])
        return chunk[:most]

    def close(self) -> None:
        self.chunks = []


def listing(version: str, **namespaces: str) -> list[bytes]:
    items = [{"metadata": {"name": name, "labels": {LEVEL: level}}} for name, level in namespaces.items()]
    return [orjson.dumps({"metadata": {"resourceVersion": version}, "items": items})]


def event(sort: str, **obj: Any) -> bytes:
    return orjson.dumps({"type": sort, "object": obj}) + b"\n"


def changed(name: str, level: str, version: str) -> bytes:
    return event("MODIFIED", metadata={"name": name, "labels": {LEVEL: level}, "resourceVersion": version})


@pytest.mark.parametrize(
    "stream",
    [
        [event("ERROR", kind="Status", code=410, message="too old resource version")],
        [event("ERROR", kind="Status", code=500, message="leader changed")],
        [b"no JSON\n"],
        [b'{"type":"MODIFIED"}\n'],
        [b'{"type":"MODIFIED","object":{}}\n'],
    ],
    ids=["gone", "an error", "no JSON", "no object", "no metadata"],
)
def test_a_watch_that_ends_otherwise_than_in_order_is_followed_by_a_list(stream: list[bytes]) -> None:
    stand = Stand(listing("5", team="baseline"), stream, listing("9", team="privileged"), [])
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "privileged")
    assert [asked.get("watch", False) for asked in stand.asked][:4] == [False, True, False, True]
    assert stand.asked[3]["resource_version"] == "9"


def test_a_connection_that_is_lost_is_taken_up_where_it_ended() -> None:
    broken = changed("team", "privileged", "7")[:-20]
    stand = Stand(
        listing("5", team="restricted"),
        [changed("team", "baseline", "6"), event("BOOKMARK", metadata={"resourceVersion": "8"}), broken],
        [changed("team", "privileged", "9")],
    )
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "privileged")
        until(lambda: len(stand.asked) > 3)
    assert [asked.get("resource_version") for asked in stand.asked[1:4]] == ["5", "8", "9"]


def test_an_event_may_come_in_pieces() -> None:
    whole = changed("team", "baseline", "6") + changed("team", "privileged", "7")
    stand = Stand(listing("5", team="restricted"), [whole[:30], whole[30:150], whole[150:]])
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "privileged")


def test_a_line_of_the_watch_without_end_is_not_kept() -> None:
    stand = Stand(listing("5", team="baseline"), [b"x" * (8 << 20)], listing("9", team="privileged"), [])
    told = Told()
    namespaces = Namespaces(stand, told)
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "privileged")
    assert told.lines[:2] == ["namespaces lost", "namespaces followed"]


def test_lines_without_content_are_no_events() -> None:
    stand = Stand(listing("5", team="restricted"), [b"\n" * 100_000 + changed("team", "baseline", "6")])
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "baseline")


@pytest.mark.parametrize("labels", [5, "x", [1], {LEVEL: 5}, {LEVEL: None}, {LEVEL: ["privileged"]}, {"x": {}}])
def test_labels_that_are_none_are_as_if_the_namespace_was_not_known(labels: Any) -> None:
    odd = event("MODIFIED", metadata={"name": "team", "labels": labels, "resourceVersion": "6"})
    stand = Stand(listing("5", team="privileged", other="privileged"), [odd + changed("other", "baseline", "7")])
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: namespaces.labels("other").get(LEVEL) == "baseline")
    assert namespaces.labels("team") == UNKNOWN


def test_the_loop_rests_while_events_come_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[int] = []
    monkeypatch.setattr("webhook.cluster.watch.Pace", lambda: lambda: rests.append(1))
    stand = Stand(listing("5", team="restricted"), [changed("team", "baseline", str(n)) for n in range(6, 106)])
    namespaces = Namespaces(stand, Told())
    with following(namespaces):
        until(lambda: len(rests) == 101)


def page(token: str) -> list[bytes]:
    return [orjson.dumps({"metadata": {"resourceVersion": "1", "continue": token}, "items": []})]


LISTS = {
    "one page again and again": ([page("a"), page("a")], "answers one page of the list again and again"),
    "pages without number": ([page(str(number)) for number in range(20_001)], "the list has more than 20000 pages"),
    "an object without end": ([[b" " * (9 << 20)]] * 5, "a page of the list has more than 8 MiB"),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list_without_end_is_given_up_and_tried_again(case: str) -> None:
    answers, problem = LISTS[case]
    namespaces = Namespaces(Stand(*answers), Told())
    with pytest.raises(Unanswered, match=problem):
        namespaces.watch._list()
    assert not namespaces.watch.synced
    namespaces.watch._read = Stand(listing("5", team="baseline"), []).list_namespace
    with following(namespaces):
        until(lambda: namespaces.labels("team").get(LEVEL) == "baseline")


def test_a_page_of_large_objects_is_asked_for_again_with_fewer() -> None:
    stand = Stand([b" " * (9 << 20)], listing("5", team="baseline"), [])
    namespaces = Namespaces(stand, Told())
    namespaces.watch._list()
    assert [asked["limit"] for asked in stand.asked] == [500, 62]
    assert namespaces.labels("team")[LEVEL] == "baseline"


def test_pauses_grow_with_failures_and_stay_bounded() -> None:
    assert pause(0) <= 0.2
    assert 5 <= pause(20) <= 10
    assert pause(1000) <= 10


def test_a_watch_that_is_stopped_before_it_began_asks_nothing() -> None:
    asked: list[object] = []
    watch = Watch("things", lambda **wanted: asked.append(wanted), lambda _: None, lambda *_: None, Told())
    watch.stop()
    watch.run()
    assert asked == []
