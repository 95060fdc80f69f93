"""What KubeVirt asks of the hook, and what comes of words that are none: over a real socket, a process of its own."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, Event, StreamEnded

from tests.sidecar.caller import INFO, MUTATE_DOMAIN, begun, call, callback, connect, framed, head, send
from tests.sidecar.conftest import Hook, listening, start
from webhook.sidecar import wire
from webhook.sidecar.connection import LARGEST_MESSAGE, Connection
from webhook.sidecar.listener import MOST_CALLERS

REFUSED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text())
VERSIONS = ("v1alpha1", "v1alpha2", "v1alpha3")


def message(domain: bytes = b"<domain/>", vmi: Any = None) -> bytes:
    return wire.text(1, domain) + wire.text(2, orjson.dumps(vmi or {}))


def test_it_says_who_it_is_when_it_wants_to_be_called_and_in_which_versions(hook: Hook) -> None:
    said = call(hook.path, INFO, b"").message
    assert said == (
        b'\n\x08vmconfig\x1a\x10\n\x0eOnDefineDomain\x1a\n\n\x08Shutdown"\x08v1alpha1"\x08v1alpha2"\x08v1alpha3'
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_domain_of_a_machine_that_is_not_kept_comes_back_as_it_is(hook: Hook, version: str) -> None:
    assert call(hook.path, callback("OnDefineDomain", version), message()).message == wire.text(1, b"<domain/>")


def test_a_plugin_gets_its_answer_likewise(hook: Hook) -> None:
    asked = wire.text(1, b"libvirt") + wire.text(2, b"<domain/>") + wire.text(3, b"{}")
    asked += wire.text(4, wire.text(1, b"MigrationTarget"))
    assert call(hook.path, MUTATE_DOMAIN, asked).message == wire.text(1, b"<domain/>")


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_what_is_for_cloud_init_comes_back_as_it_is(hook: Hook, version: str) -> None:
    asked = wire.text(1, b"old") + wire.text(2, b"{}") + wire.text(3, b"new")
    said = call(hook.path, callback("PreCloudInitIso", version), asked).message
    assert wire.read(said) == {1: b"old", 3: b"new"}


@pytest.mark.parametrize("case", REFUSED, ids=[case["title"] for case in REFUSED])
def test_what_cannot_be_answered_is_refused_and_the_next_call_is_answered(hook: Hook, case: dict[str, Any]) -> None:
    path, headers = case.get("path", callback("OnDefineDomain")), case.get("headers")
    if "body" in case:
        said = send(hook.path, path, bytes.fromhex(case["body"]), headers=headers)
    else:
        said = call(hook.path, path, bytes.fromhex(case.get("message", "0a0161")), headers=headers)
    assert said.code == case["code"]
    assert case["says"] in said.text
    assert call(hook.path, callback("OnDefineDomain"), message()).code == 0


def test_a_refusal_has_the_way_out_and_characters_of_any_language(hook: Hook) -> None:
    machine = {"metadata": {"annotations": {"vmconfig.kubevirt.io/machine": "ß"}}}
    said = call(hook.path, callback("OnDefineDomain"), message(vmi=machine))
    assert "\n  help: " in said.text
    said = call(hook.path, "/ß%", b"")
    assert "there is no call" in said.text


def test_a_message_of_the_largest_size_is_answered_and_a_larger_one_refused(hook: Hook) -> None:
    rest = len(message(b"x" * 4_000_000)) - 4_000_000
    largest = message(b"x" * (LARGEST_MESSAGE - rest))
    assert len(largest) == LARGEST_MESSAGE
    assert len(call(hook.path, callback("OnDefineDomain"), largest).message) > LARGEST_MESSAGE - 100
    said = call(hook.path, callback("OnDefineDomain"), largest + b"\0")
    assert said.code == 8
    assert "larger than" in said.text


def test_an_answer_comes_whole_to_a_caller_that_takes_little_at_once(hook: Hook) -> None:
    domain = b"<domain>" + b"x" * 50_000 + b"</domain>"
    assert call(hook.path, callback("OnDefineDomain"), message(domain), window=100).message == wire.text(1, domain)


@pytest.mark.parametrize("waits", ["1n", "1u", "1m"])
def test_a_caller_that_waits_no_longer_is_told_so(hook: Hook, waits: str) -> None:
    said = call(hook.path, callback("OnDefineDomain"), message(), headers={"grpc-timeout": waits})
    assert said.code == 4


def test_a_caller_that_waits_long_enough_is_answered(hook: Hook) -> None:
    assert call(hook.path, callback("OnDefineDomain"), message(), headers={"grpc-timeout": "5M"}).code == 0


def test_callers_at_once_each_get_their_own_domain(hook: Hook) -> None:
    domains = [f"<domain>{number}</domain>".encode() for number in range(MOST_CALLERS)]
    with ThreadPoolExecutor(MOST_CALLERS) as pool:
        made = list(pool.map(lambda each: call(hook.path, callback("OnDefineDomain"), message(each)).message, domains))
    assert made == [wire.text(1, each) for each in domains]


def test_callers_that_say_nothing_hold_nobody_up(hook: Hook) -> None:
    silent = [connect(hook.path) for _ in range(3 * MOST_CALLERS)]
    try:
        assert call(hook.path, callback("OnDefineDomain"), message()).code == 0
    finally:
        for peer in silent:
            peer.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\5\1\5\0\0\0\1\x80\x80\x80\x80\x80",
    ],
    ids=["another protocol", "nothing that means anything", "frames that are none", "headers that are none"],
)
def test_a_caller_that_speaks_something_else_is_cut_off_and_the_next_one_answered(hook: Hook, said: bytes) -> None:
    with connect(hook.path) as peer:
        peer.sendall(said)
        while peer.recv(65536):
            pass
    assert call(hook.path, callback("OnDefineDomain"), message()).code == 0


def said_at_once(calls: int, headers: dict[str, str] | None = None) -> bytes:
    """Calls that are begun before the caller has heard anything, and that do not end."""
    http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    http.initiate_connection()
    for number in range(calls):
        head(http, callback("OnDefineDomain"), headers or {}, 2 * number + 1)
    return bytes(http.data_to_send())


@pytest.mark.parametrize(
    "said",
    [said_at_once(2), said_at_once(100), said_at_once(1, {"x": "y" * 17000})],
    ids=["two calls", "many calls", "a long header"],
)
def test_what_a_caller_may_have_holds_before_it_has_heard_of_it(hook: Hook, said: bytes) -> None:
    http, told = H2Connection(H2Configuration(client_side=True)), list[Event]()
    http.initiate_connection()
    with connect(hook.path) as peer:
        peer.sendall(said)
        while data := peer.recv(65536):
            told += http.receive_data(data)
    assert [event.error_code for event in told if isinstance(event, ConnectionTerminated)] != []
    assert call(hook.path, callback("OnDefineDomain"), message()).code == 0


def test_one_call_after_the_other_is_answered_on_one_connection(hook: Hook) -> None:
    with connect(hook.path) as peer:
        http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        http.initiate_connection()
        for number in (1, 3, 5):
            head(http, INFO, {"x": "y" * 10_000}, number)
            http.send_data(number, framed(b""), end_stream=True)
            peer.sendall(http.data_to_send())
            ended = False
            while not ended:
                events = http.receive_data(peer.recv(65536))
                ended = any(isinstance(event, StreamEnded) for event in events)


@pytest.mark.parametrize("left", [-1.0, 60.0])
def test_a_connection_whose_time_is_over_ends_although_its_caller_goes_on(left: float) -> None:
    ours, theirs = socket.socketpair()
    asked: list[bytes] = []

    def noted(said: bytes, _: float) -> bytes:
        asked.append(said)
        return b""

    with theirs:
        connection = Connection(ours, {INFO: noted})
        connection.ends = time.monotonic() + left
        theirs.sendall(begun(INFO, framed(b"x")))
        theirs.shutdown(socket.SHUT_WR)
        connection.serve()
    assert asked == ([b"x"] if left > 0 else [])


def test_a_caller_that_goes_away_while_it_is_worked_for_leaves_nothing_behind(hook: Hook) -> None:
    for _ in range(3):
        with connect(hook.path) as peer:
            peer.sendall(begun(callback("OnDefineDomain"), framed(message(b"x" * 10_000))))
    assert call(hook.path, callback("OnDefineDomain"), message()).code == 0


def test_it_ends_with_its_machine(own_hook: Hook) -> None:
    assert call(own_hook.path, callback("Shutdown"), b"").code == 0
    assert own_hook.process.wait(60) == 0
    assert not own_hook.path.exists()


def test_it_does_not_end_with_a_shutdown_that_is_none(own_hook: Hook) -> None:
    assert call(own_hook.path, callback("Shutdown"), b"\x02").code == 3
    assert call(own_hook.path, callback("Shutdown", "v1alpha2"), b"").code == 12
    assert call(own_hook.path, INFO, b"").code == 0
    assert own_hook.process.poll() is None


def test_it_ends_when_its_pod_does(own_hook: Hook) -> None:
    own_hook.process.terminate()
    assert own_hook.process.wait(60) == 0
    assert not own_hook.path.exists()


def test_it_listens_again_where_one_before_it_was_killed(own_hook: Hook) -> None:
    own_hook.process.kill()
    own_hook.process.wait()
    assert own_hook.path.is_socket()
    again = start(own_hook.path)
    try:
        assert call(own_hook.path, INFO, b"").code == 0
    finally:
        again.process.kill()
        again.process.wait()


def test_a_file_that_is_no_socket_stays_and_it_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    assert start(file).process.wait(60) != 0
    assert file.read_text() == "kept"


def test_only_its_own_user_may_call_it(hook: Hook) -> None:
    assert hook.path.stat().st_mode & 0o777 == 0o600


def test_its_memory_stays_far_below_what_a_machine_can_spare() -> None:
    with listening() as hook:
        call(hook.path, INFO, b"")
        assert hook.resident < 25 * 1024 * 1024
        for _ in range(20):
            call(hook.path, callback("OnDefineDomain"), message(b"<domain>" + b"x" * 20_000 + b"</domain>"))
        assert hook.resident < 40 * 1024 * 1024


def test_its_memory_does_not_grow_with_calls() -> None:
    with listening() as hook:
        for _ in range(100):
            call(hook.path, callback("PreCloudInitIso"), wire.text(1, b"x" * 20_000))
        before = hook.resident
        for _ in range(900):
            call(hook.path, callback("PreCloudInitIso"), wire.text(1, b"x" * 20_000))
        assert hook.resident < before + 2 * 1024 * 1024


def test_many_large_messages_at_once_leave_no_memory_behind() -> None:
    with listening() as hook, ThreadPoolExecutor(MOST_CALLERS) as pool:
        large = wire.text(1, b"x" * 3_900_000)
        asked = [pool.submit(call, hook.path, callback("PreCloudInitIso"), large) for _ in range(MOST_CALLERS)]
        assert all(len(each.result().message) > 3_900_000 for each in asked)
        assert hook.resident < 40 * 1024 * 1024
