"""The main job on this machine: serve on loopback, and send the examples through as an API server would.

Prints the expanded VM, the libvirt XML rendered from it, and the refused sample with its findings; then goes on
serving until Ctrl-C, or with --once stops.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import jsonpatch
import yaml

from webhook.trees import Tree

ROOT = Path(__file__).resolve().parents[1]
CERTS = ROOT / "run" / "certs"
SHOWN = "proposal-features"
REFUSED = "proposal-domain-backend"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after printing")
    parser.add_argument("--port", type=int, default=8443)
    options = parser.parse_args()
    port = options.port if _free(options.port) else _any_port()
    # A plain kill ends the service too, not only Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _certificates()
    process = _serve(port)
    try:
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=ssl.create_default_context(cafile=CERTS / "ca.crt"), timeout=10
        ) as client:
            _wait(client, process)
            print(
                f"serving on {client.base_url} (POST /mutate, /validate; GET /readyz, /metrics, /version)\n", flush=True
            )
            ok = _tour(client)
        if not options.once:
            print("\nserving until Ctrl-C; decisions are logged to run/serve.log", flush=True)
            process.wait()
        return 0 if ok else 1
    except KeyboardInterrupt:
        return 0
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()


def _certificates() -> None:
    issue = [sys.executable, "-m", "certs", "issue", "--dir", str(CERTS), "--dns", "localhost", "--ip", "127.0.0.1"]
    subprocess.run(issue, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _serve(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "webhook.cli", "serve", "--listen", f"127.0.0.1:{port}"]
    command += ["--certs-dir", str(CERTS), "--policies", str(ROOT / "policies"), "--drain-seconds", "1"]
    with (ROOT / "run" / "serve.log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit("the service did not start:\n" + (ROOT / "run" / "serve.log").read_text())


def _tour(client: httpx.Client) -> bool:
    """Every example through both webhooks; whether each ended as it should."""
    ok = True
    for path in sorted((ROOT / "examples").glob("*.yaml"), key=lambda path: (path.stem == REFUSED, path.stem != SHOWN)):
        tenant: Tree = yaml.safe_load(path.read_text())
        refusal, stored = admit(client, tenant)
        ok = ok and bool(refusal) == (path.stem == REFUSED)
        if refusal:
            print(f"=== examples/{path.name} is refused\n\n{refusal}\n")
        elif path.stem == SHOWN:
            print(f"=== examples/{path.name}, as it is stored\n\n{yaml.safe_dump(stored, sort_keys=False)}")
            print(f"=== the libvirt XML rendered from it\n\n{_rendered(stored)}")
        else:
            before, after = _leaves(tenant["spec"]), _leaves(stored["spec"])
            print(f"=== examples/{path.name} is accepted: {before} fields written, {after} stored\n")
    return ok


def admit(client: httpx.Client, tenant: Tree) -> tuple[str, Tree]:
    """What an API server does on create: mutate, apply the patch, validate. The refusal, and the object."""
    answer = _ask(client, "/mutate", tenant)
    if answer["allowed"] and answer.get("patch"):
        tenant = jsonpatch.apply_patch(tenant, json.loads(base64.b64decode(answer["patch"])))
    if answer["allowed"]:
        answer = _ask(client, "/validate", tenant)
    return ("" if answer["allowed"] else answer["status"]["message"]), tenant


def _ask(client: httpx.Client, path: str, obj: Tree) -> Tree:
    group, version = obj["apiVersion"].split("/")
    plural = {"VM": "vmdefinitions", "VirtualMachineConfig": "virtualmachineconfigs"}[obj["kind"]]
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "resource": {"group": group, "version": version, "resource": plural},
        "name": obj["metadata"]["name"],
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "tenant", "groups": ["system:authenticated"]},
        "object": {**obj, "metadata": {"namespace": "default", **obj["metadata"]}},
        "oldObject": None,
        "dryRun": False,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    response = client.post(path, params={"timeout": "3s"}, json=review)
    response.raise_for_status()
    answer: Tree = response.json()["response"]
    return answer


def _rendered(obj: Tree) -> str:
    command = [sys.executable, "-m", "webhook.cli", "render", "-"]
    made = subprocess.run(command, input=yaml.safe_dump(obj), cwd=ROOT, check=True, capture_output=True, text=True)
    return made.stdout


def _leaves(tree: Any) -> int:
    if isinstance(tree, dict):
        return sum(_leaves(value) for value in tree.values())
    return sum(_leaves(entry) for entry in tree) if isinstance(tree, list) else 1


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
