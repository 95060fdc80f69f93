"""Replicas come and go under a client that keeps its connections, and it loses nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import httpx

from tests.cluster.cluster import reserved_port
from tests.e2e.service import Service, serving
from tests.server.sending import endpoints, sending
from tests.waiting import until

# How many replicas are ended, how many creations a second come meanwhile, and how long one goes on serving: as long as
# a client may stand still on a busy machine, since it can lose what it sends just when a connection is closed to it.
DRAINS = int(os.environ.get("DRAINS", "8"))
RATE = 60
DRAIN_SECONDS = 4


def test_no_creation_is_lost_while_replicas_are_replaced(tmp_path: Path) -> None:
    with contextlib.ExitStack() as running:
        replica = running.enter_context(_replica(tmp_path, 0))
        endpoints(tmp_path, [replica.port])
        with sending(tmp_path, replica.folder / "certs" / "ca.crt", RATE) as sent:
            for number in range(1, DRAINS + 1):
                following = running.enter_context(_replica(tmp_path, number))
                endpoints(tmp_path, [replica.port, following.port])
                time.sleep(1)  # the kept connections are of both
                replica.process.terminate()
                _unready(replica)
                endpoints(tmp_path, [following.port])
                assert replica.process.wait(60) == 0
                replica = following
    assert sent.lost == []
    assert sent.sent > DRAINS * RATE
    assert sent.told >= DRAINS, "each replica told whoever kept a connection to it"
    assert sent.connections > DRAINS


def _replica(folder: Path, number: int) -> contextlib.AbstractContextManager[Service]:
    """One more process, with the certificates of the first."""
    own = folder / str(number)
    own.mkdir()
    if number:
        shutil.copytree(folder / "0" / "certs", own / "certs", symlinks=True)
    return serving(own, reserved_port(), ("--drain-seconds", str(DRAIN_SECONDS)))


def _unready(service: Service) -> None:
    """Until the kubelet would see that it is not ready any more."""

    def told() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{service.url}/readyz", verify=service.trusted(), trust_env=False).status_code == 503
        return False

    until(told, "the service is ready although it was told to end")
