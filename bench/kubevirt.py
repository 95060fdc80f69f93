"""What a review of KubeVirt's own virtual machine costs, beside one of ours of the same machine, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import orjson
import yaml

from bench import processes
from bench.bodies import VARIANTS, context, pairs, review
from bench.phases import least
from tests.kubevirt.kubevirt import KubeVirt
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.kubevirt_machine import keep_machine
from webhook.admission.review import answer, parse
from webhook.admission.validate import validate
from webhook.policy import Policies, shipped
from webhook.server.hooks import Decide
from webhook.trees import Tree

_MACHINE = Path(__file__).parent / "kubevirt.yaml"


def costs(rounds: int) -> tuple[float, float, float]:
    """Microseconds of CPU from bytes to bytes, the least of runs.

    For validating our VM and one of KubeVirt's, and for writing into the latter what keeps its machine.
    """
    ours = [final for _, final in pairs()]
    theirs = AdmissionContext(policies=Policies(shipped(), apis(with_kubevirt=True)))
    return (
        least(_reviewed(ours, validate, context()), rounds) / VARIANTS,
        least(_reviewed(_bodies(), validate_kubevirt, theirs), rounds) / VARIANTS,
        least(_reviewed(_bodies(), keep_machine, theirs), rounds) / VARIANTS,
    )


def own_admission(seconds: float) -> float:
    """Microseconds of CPU in which KubeVirt's own code completes and validates one of the same machines.

    It is asked in turn, a line of JSON each way; the processor time is that of its process.
    """
    judge = KubeVirt()
    try:
        machines = _machines()
        assert all(judge.admit(machine).refused == [] for machine in machines)
        before, end, asked = processes.cpu_seconds(judge.pid), time.monotonic() + seconds, 0
        while time.monotonic() < end:
            for machine in machines:
                judge.admit(machine)
            asked += len(machines)
        return (processes.cpu_seconds(judge.pid) - before) / asked * 1e6
    finally:
        judge.close()


def _bodies() -> list[bytes]:
    """Their creations."""
    return [review(machine).replace(b'"kind":"VM"', b'"kind":"VirtualMachine"') for machine in _machines()]


def _machines() -> list[Tree]:
    """The machine under unlike names, with its own claim and MAC address."""
    text = orjson.dumps(yaml.safe_load(_MACHINE.read_text()))
    return [_named(orjson.loads(text), number) for number in range(VARIANTS)]


def _named(obj: Tree, number: int) -> Tree:
    obj["metadata"]["name"] = f"vm-{number}"
    spec = obj["spec"]["template"]["spec"]
    spec["volumes"][1]["dataVolume"]["name"] = f"disk-of-vm-{number}"
    spec["domain"]["devices"]["interfaces"][0]["macAddress"] = f"02:00:00:00:01:{number:02x}"
    return obj


def _reviewed(bodies: list[bytes], decide: Decide, used: AdmissionContext) -> Callable[[], object]:
    def every() -> None:
        for body in bodies:
            asked = parse(body)
            answer(asked.uid, decide(asked, used))

    assert all(decide(parse(body), used).allowed for body in bodies)
    return every
