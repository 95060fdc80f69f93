"""What a review of KubeVirt's own virtual machine costs, beside one of ours of the same machine, in one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import yaml

from bench.bodies import VARIANTS, Tree, context, pairs, review
from bench.phases import least
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.review import answer, parse
from webhook.admission.validate import validate
from webhook.policy import Policies, shipped
from webhook.server.hooks import Decide

_MACHINE = Path(__file__).parent / "kubevirt.yaml"


def costs(rounds: int) -> tuple[float, float]:
    """Microseconds of CPU for a review of our VM and for one of KubeVirt's, from bytes to bytes: the least of runs."""
    ours = [final for _, final in pairs()]
    theirs = AdmissionContext(policies=Policies(shipped(), apis(with_kubevirt=True)))
    return (
        least(_reviewed(ours, validate, context()), rounds) / VARIANTS,
        least(_reviewed(_bodies(), validate_kubevirt, theirs), rounds) / VARIANTS,
    )


def _bodies() -> list[bytes]:
    """Creations of the machine under unlike names, with its own claim and MAC address."""
    text = orjson.dumps(yaml.safe_load(_MACHINE.read_text()))
    return [_body(orjson.loads(text), number) for number in range(VARIANTS)]


def _body(obj: Tree, number: int) -> bytes:
    obj["metadata"]["name"] = f"vm-{number}"
    spec = obj["spec"]["template"]["spec"]
    spec["volumes"][1]["dataVolume"]["name"] = f"disk-of-vm-{number}"
    spec["domain"]["devices"]["interfaces"][0]["macAddress"] = f"02:00:00:00:01:{number:02x}"
    return review(obj).replace(b'"kind":"VM"', b'"kind":"VirtualMachine"')


def _reviewed(bodies: list[bytes], decide: Decide, used: AdmissionContext) -> Callable[[], object]:
    def every() -> None:
        for body in bodies:
            asked = parse(body)
            answer(asked.uid, decide(asked, used))

    assert all(decide(parse(body), used).allowed for body in bodies)
    return every
