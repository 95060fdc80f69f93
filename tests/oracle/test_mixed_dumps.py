"""Dumps whose devices are those of several others: what is right for each device is right beside any other one."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from string import ascii_lowercase

from tests.oracle.hypervisor import Hypervisor
from tests.oracle.same_machine import changes
from tests.oracle.test_imported_machines import CASES, EVERYTHING, KINDS, PARTS, created, document
from webhook.admission.context import AdmissionContext
from webhook.expand.imported import complete_imported
from webhook.libvirt.importing.imported import examine
from webhook.trees import Tree

MIXES = 240
# A mainframe has one console of each kind, so that a mix of dumps is mostly no machine.
MACHINES = [*(kind for kind in KINDS if kind != "s390x"), "q35", "i440fx"]
# Of a document that only libvirt can lay out.
UNSEEN = "libvirt has not seen this document"


def mixed(seed: int) -> Tree:
    """A case with the devices of two to four cases of one machine, in any order."""
    random = Random(seed)
    machine = random.choice(MACHINES)
    whole = [case for case in CASES if case["machine"] == machine and "refused" not in case and "namespace" not in case]
    parts = random.sample(whole, min(random.randint(2, 4), len(whole)))
    devices = "".join(part.get("devices", "") for part in parts)
    return {**random.choice(parts), "devices": distinct(devices)}


def distinct(devices: str) -> str:
    """The same devices with targets and MAC addresses of their own."""
    for part, text in PARTS.items():
        devices = devices.replace(part, text)
    numbers: Counter[str] = Counter()

    def own(found: re.Match[str]) -> str:
        numbers[found[1]] += 1
        number = numbers[found[1]] - 1
        return found[1] + (f"{number:02x}" if found[1].endswith(":") else ascii_lowercase[number])

    devices = re.sub(r"(52:54:00:00:00:|(?<=target dev=')[hsv]d)[0-9a-z]+", own, devices)
    return re.sub("(/images/)[a-z]+", own, devices)


def test_dumps_of_mixed_devices_are_the_same_machines(hypervisor: Hypervisor, context: AdmissionContext) -> None:
    wrong, kept_ones, raw_ones = {}, 0, 0
    for seed in range(MIXES):
        raw = document(mixed(seed))
        try:
            kept = hypervisor.completed(raw)
            hypervisor.command_line(kept)
        except hypervisor.libvirt.libvirtError:
            continue  # two devices of one name or place
        for text in (kept, raw):
            found = examine(text, EVERYTHING)
            assert found.wrong == found.missing == [], raw
            trial = examine(text, EVERYTHING)
            unseen = [each for each in complete_imported(trial.domain, trial.type, bytes) if UNSEEN in each.problem]
            if unseen:
                assert text is raw
                continue
            kept_ones, raw_ones = kept_ones + (text is kept), raw_ones + (text is raw)
            changed = changes(text, created(found, context), hypervisor)
            if changed:
                wrong[seed, text is kept] = changed
    assert wrong == {}
    assert kept_ones > MIXES // 10
    assert raw_ones > MIXES // 20
