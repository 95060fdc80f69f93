"""Certificates of callers: asked for where a CA is named, verified by it, and by the next one once the file changes."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from certs.bundle import Bundle, Unusable, ca_bundle, render
from certs.serve import Reloader, watch
from tests.certs.callers import Caller, caller
from tests.certs.clients import client_context, first, real_now
from tests.certs.test_folder_watch import LONG, run, soon


@pytest.fixture
def server(tmp_path: Path) -> Bundle:
    """The server's certificate, in the folder."""
    bundle = first(real_now())
    for name, content in render(bundle).items():
        (tmp_path / name).write_bytes(content)
    return bundle


def shown(reloader: Reloader, server: Bundle, one: Caller | None) -> bool | None:
    """Whether the server has a certificate of the caller after their handshake; None where it ends the connection."""
    context = client_context(ca_bundle(server))
    if one is not None:
        context.load_cert_chain(one.file)
    ends = [ssl.MemoryBIO() for _ in range(2)]
    client = context.wrap_bio(ends[0], ends[1], server_hostname="localhost")
    answering = reloader.context.wrap_bio(ends[1], ends[0], server_side=True)
    done: set[int] = set()
    for _ in range(10):
        for number, side in enumerate((client, answering)):
            try:
                side.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return None
    assert done == {0, 1}
    return bool(answering.getpeercert())


def test_without_a_ca_nobody_is_asked(tmp_path: Path, server: Bundle) -> None:
    assert shown(Reloader(tmp_path), server, caller(tmp_path, "caller")) is False


def test_with_a_ca_whoever_has_a_certificate_of_it_is_known_and_others_are_not(tmp_path: Path, server: Bundle) -> None:
    known, stranger = caller(tmp_path, "caller"), caller(tmp_path, "stranger")
    (tmp_path / "client-ca").write_bytes(known.ca)
    reloader = Reloader(tmp_path, tmp_path / "client-ca")
    assert shown(reloader, server, known) is True
    assert shown(reloader, server, None) is False
    assert shown(reloader, server, stranger) is None


def test_a_certificate_of_a_server_is_none_of_a_caller(tmp_path: Path, server: Bundle) -> None:
    (tmp_path / "client-ca").write_bytes(ca_bundle(server))
    own = tmp_path / "own.pem"
    own.write_bytes((tmp_path / "tls.key").read_bytes() + (tmp_path / "tls.crt").read_bytes())
    assert shown(Reloader(tmp_path, tmp_path / "client-ca"), server, Caller(b"", own)) is None


def test_a_change_of_the_file_is_a_change_of_who_is_known(tmp_path: Path, server: Bundle) -> None:
    old, new = caller(tmp_path, "old"), caller(tmp_path, "new")
    file = tmp_path / "client-ca"
    file.write_bytes(old.ca)
    reloader = Reloader(tmp_path, file)
    assert not reloader.reload()
    file.write_bytes(old.ca + new.ca)
    assert reloader.reload()
    assert [shown(reloader, server, one) for one in (old, new)] == [True, True]
    file.write_bytes(new.ca)
    assert reloader.reload()
    assert [shown(reloader, server, one) for one in (old, new)] == [None, True]


def test_a_change_of_the_file_is_noticed_at_once_wherever_it_stands(tmp_path: Path, server: Bundle) -> None:
    old, new = caller(tmp_path, "old"), caller(tmp_path, "new")
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "elsewhere" / "client-ca"
    file.write_bytes(old.ca)
    reloader = Reloader(tmp_path, file)

    async def story() -> None:
        file.write_bytes(new.ca)
        await soon(lambda: shown(reloader, server, old) is None)
        assert shown(reloader, server, new) is True

    run(watch(reloader, period=LONG, soonest=0.05), story)


BROKEN = b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("content", [b"", b"hello", "h\u00e9".encode(), b"\xff\xfe", b"\0", bytes(range(256)), BROKEN])
def test_a_file_without_a_certificate_is_refused_and_the_last_good_one_stays(
    tmp_path: Path, server: Bundle, content: bytes
) -> None:
    known = caller(tmp_path, "caller")
    file = tmp_path / "client-ca"
    file.write_bytes(known.ca)
    reloader = Reloader(tmp_path, file)
    file.write_bytes(content)
    with pytest.raises(Unusable, match="the client CA is no certificate"):
        reloader.reload()
    assert shown(reloader, server, known) is True
    with pytest.raises(Unusable, match="the client CA is no certificate"):
        Reloader(tmp_path, file)


def test_a_session_is_not_resumed_past_a_change_of_the_ca(tmp_path: Path, server: Bundle) -> None:
    (tmp_path / "client-ca").write_bytes(ca_bundle(server))
    asking, silent = Reloader(tmp_path, tmp_path / "client-ca").context, Reloader(tmp_path).context
    assert asking.num_tickets == 0
    assert asking.options & ssl.OP_NO_TICKET
    assert silent.num_tickets > 0
