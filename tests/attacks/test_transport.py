"""Whoever reaches the port: reviews that are none, bodies that never end, connections without number; and it goes on.

Out of reach here: who asks. The service believes a review's userInfo, since only the API server has a way to its port
(NetworkPolicy, docs/operation.md); a forged one is not told from a true one.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.admission.reviews import review
from tests.attacks.manifests import manifest, spec_of
from tests.attacks.wire import Wire
from webhook.trees import Tree

Of = Callable[[str], Wire]
HOOKS = ("mutate", "validate")


@pytest.fixture
def asked(wire: Of) -> Iterator[Wire]:
    """The strictest service, which still admits an honest machine after whatever the test did to it."""
    service = wire("restricted")
    yield service
    assert service.pair(manifest("VM", spec_of("pc", {}, complete=False))).allowed
    assert service.client.get("/readyz").status_code == 200


def whole(**change: Any) -> Tree:
    """A review of an honest machine's creation, with parts of its request changed or (`None` in `gone`) left out."""
    tree = review(manifest("VM", spec_of("pc", {}, complete=True)))
    gone = change.pop("gone", ())
    tree["request"].update(change)
    for name in gone:
        del tree["request"][name]
    return tree


def text(tree: Any) -> bytes:
    return json.dumps(tree).encode()


MALFORMED = {
    "nothing": b"",
    "no JSON": b"apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n",
    "half a review": text(whole())[:-20],
    "a review and more": text(whole()) + b"{}",
    "a mark of byte order": b"\xef\xbb\xbf" + text(whole()),
    "another encoding": json.dumps(whole()).encode("utf-16"),
    "half a character": text(whole()).replace(b"web-1", b"web-\\ud800"),
    "bytes that are no text": text(whole()).replace(b"web-1", b"web-\xff\xfe"),
    "a NUL": text(whole()).replace(b"web-1", b"web-\0"),
    "compressed": gzip.compress(text(whole())),
    "a form": b"kind=AdmissionReview&apiVersion=admission.k8s.io/v1",
    "a list": text([whole()]),
    "a number": b"1",
    "a request that is a list": text({**whole(), "request": [1]}),
    "no request": text({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}),
    "another version": text({**whole(), "apiVersion": "admission.k8s.io/v1beta1"}),
    "another kind": text({**whole(), "kind": "ConversionReview"}),
    "no uid": text(whole(gone=["uid"])),
    "an empty uid": text(whole(uid="")),
    "no operation": text(whole(gone=["operation"])),
    "a kind that is a text": text(whole(kind="VM")),
    "a kind without a name": text(whole(kind={"group": "kubevirt.io"})),
    "a name that is an object": text(whole(name={"a": 1})),
    "a user that is a list": text(whole(userInfo=["system:masters"])),
    "groups that are a text": text(whole(userInfo={"username": "x", "groups": "system:masters"})),
    "groups that are numbers": text(whole(userInfo={"username": "x", "groups": [1]})),
    "groups without end": text(whole(userInfo={"username": "x", "groups": ["g"] * 4097})),
    "a subresource that is true": text(whole(subResource=True)),
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "nodes without number": text(whole(object={"spec": {"x": [0] * 250_000}})),
    "deep nesting in the old object": text(whole(oldObject=json.loads('{"a":' * 80 + "1" + "}" * 80))),
}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("body", MALFORMED)
def test_what_is_no_review_gets_a_4xx_with_a_reason(asked: Wire, hook: str, body: str) -> None:
    answer = asked.post(hook, MALFORMED[body])
    assert 400 <= answer.status_code < 500
    assert answer.json()["status"] == "Failure"
    assert answer.json()["message"]


EMPTY: dict[str, Tree] = {
    "no object": {"object": None},
    "an object that is a text": {"object": "VM"},
    "an object that is a list": {"object": [1]},
    "an object without a spec": {"object": {"kind": "VM"}},
    "an update to no object": {"operation": "UPDATE", "object": None, "oldObject": {"spec": {}}},
    "an update of what is no VM": {"operation": "UPDATE", "oldObject": {"spec": {"domain": [1]}}},
    "an update of a text": {"operation": "UPDATE", "oldObject": {"spec": "x"}},
}


@pytest.mark.parametrize("change", EMPTY)
def test_a_review_without_a_machine_is_refused(asked: Wire, change: str) -> None:
    answer = asked.post("validate", text(whole(**EMPTY[change])))
    assert answer.status_code == 200
    response = answer.json()["response"]
    assert response["allowed"] is False
    assert response["status"]["code"] == 422


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_what_brings_no_object_is_not_held_up(asked: Wire, hook: str, operation: str) -> None:
    for old in (None, whole()["request"]["object"]):
        answer = asked.post(hook, text(whole(operation=operation, object=None, oldObject=old)))
        assert answer.json()["response"] == {"uid": whole()["request"]["uid"], "allowed": True}


def test_a_kind_of_the_same_name_in_another_group_is_judged_too(asked: Wire) -> None:
    bad = manifest("VM", {"domain": {"emulator": "/bin/sh"}})
    for group, version in (("evil.example", "v1"), ("kubevirt.io", "v1"), ("", "")):
        tree = whole(object=bad, kind={"group": group, "version": version, "kind": "VM"})
        assert asked.post("validate", text(tree)).json()["response"]["allowed"] is False


@pytest.mark.parametrize("user", ["system:admin", "system:serviceaccount:kube-system:x", "\u202eadmin", "a" * 100_000])
def test_a_mighty_name_is_given_nothing(asked: Wire, user: str) -> None:
    """No level that ships looks at who asks, so that a forged name would win nothing."""
    bad = manifest("VM", spec_of("pc", {"domain": {"emulator": "/bin/sh"}}, complete=True))
    info = {"username": user, "groups": ["system:masters", "system:nodes"]}
    answer = asked.post("validate", text(whole(object=bad, userInfo=info)))
    assert answer.json()["response"]["allowed"] is False


@pytest.mark.parametrize("hook", HOOKS)
def test_three_mebibytes_and_more_get_a_413(asked: Wire, hook: str) -> None:
    body = text(whole())
    assert asked.post(hook, body + b" " * (3 * 2**20 - len(body))).status_code == 200
    assert asked.post(hook, body + b" " * (3 * 2**20 - len(body) + 1)).status_code == 413
    with contextlib.suppress(httpx.TransportError):  # the service may hang up while we are still sending
        chunks = (b" " * 2**16 for _ in range(64))
        assert asked.client.post(f"/{hook}", content=chunks).status_code == 413


SCHEMAS = ("/openapi.json", "/redoc", "/docs/oauth2-redirect")


@pytest.mark.parametrize(
    "path", ["/", "/mutate/", "//validate", "/Validate", "/validate/x", "/validate%2e", "/docs", *SCHEMAS]
)
def test_there_are_no_other_doors(asked: Wire, path: str) -> None:
    answer = asked.client.post(path, content=text(whole()))
    assert answer.status_code in (404, 405)
    assert asked.client.get(path).status_code in (404, 405)


def test_other_methods_are_refused(asked: Wire) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "TRACE"):
        assert asked.client.request(method, "/validate").status_code == 405


@contextlib.contextmanager
def tunnel(service: Wire) -> Iterator[ssl.SSLSocket]:
    """A TLS connection on which anything can be said."""
    address = ("127.0.0.1", service.service.port)
    context = service.service.trusted()
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        yield tls


def said(tls: ssl.SSLSocket) -> bytes:
    """All that comes until the other side ends; nothing where it just does."""
    heard = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := tls.recv(65536):
            heard += part
            if b"\r\n\r\n" in heard:
                break
    return heard


HEAD = b"POST /validate HTTP/1.1\r\nHost: x\r\n"
BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length below nothing": HEAD + b"Content-Length: -1\r\n\r\n",
    "a length that is a word": HEAD + b"Content-Length: many\r\n\r\n",
    "a length with a line in it": HEAD + b"Content-Length: 1_0\r\n\r\n",
    "a length beyond numbers": HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n",
    "a length that is too great": HEAD + b"Content-Length: 3145729\r\n\r\n",
    "a chunk of no length": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a header without end": HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    "headers without number": HEAD + b"X: a\r\n" * 20_000 + b"\r\n",
    "a header with a NUL": HEAD + b"X: a\0b\r\n\r\n",
}


@pytest.mark.parametrize("request_", BROKEN)
def test_what_is_no_http_gets_a_4xx_or_nothing(asked: Wire, request_: str) -> None:
    with tunnel(asked) as tls:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            tls.sendall(BROKEN[request_])
        answer = said(tls)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]


def test_a_length_and_chunks_are_not_two_requests(asked: Wire) -> None:
    """A smuggled second request would be one that nobody asked."""
    smuggled = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    with tunnel(asked) as tls:
        tls.sendall(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled)
        answer = said(tls)
    assert answer.count(b"HTTP/1.1") <= 1
    assert b"HTTP/1.1 200" not in answer


def test_a_body_that_never_ends_gets_a_408_while_others_are_served(asked: Wire) -> None:
    with contextlib.ExitStack() as open_:
        slow = [open_.enter_context(tunnel(asked)) for _ in range(50)]
        for tls in slow:
            tls.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        assert asked.pair(manifest("VM", spec_of("pc", {}, complete=False))).allowed
        assert all(said(tls).startswith(b"HTTP/1.1 408") for tls in slow)


def test_a_body_that_comes_byte_by_byte_gets_a_408(asked: Wire) -> None:
    """Each byte in time, and the whole too late: the clock does not begin anew."""
    with tunnel(asked) as tls:
        tls.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _ in range(999):
            try:
                tls.sendall(b" ")
            except (ConnectionError, ssl.SSLError):
                break
            if select.select([tls], [], [], 0.2)[0]:
                break
        assert said(tls).startswith(b"HTTP/1.1 408")


def test_connections_that_say_nothing_keep_nobody_out(asked: Wire) -> None:
    with contextlib.ExitStack() as open_:
        address = ("127.0.0.1", asked.service.port)
        for _ in range(100):
            open_.enter_context(socket.create_connection(address, 10))  # not even a handshake
        for _ in range(100):
            open_.enter_context(tunnel(asked)).sendall(b"POST /validate HT")
        assert asked.pair(manifest("VM", spec_of("pc", {}, complete=False))).allowed


def test_whoever_speaks_without_tls_hears_nothing(asked: Wire) -> None:
    with socket.create_connection(("127.0.0.1", asked.service.port), 10) as plain:
        plain.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        with contextlib.suppress(ConnectionError):
            assert not plain.recv(1000).startswith(b"HTTP")


def test_many_who_go_away_leave_nothing_behind(asked: Wire) -> None:
    for _ in range(100):
        with tunnel(asked) as tls:
            tls.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
    assert asked.client.get("/livez").status_code == 200
