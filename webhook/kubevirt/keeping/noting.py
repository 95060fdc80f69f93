"""How many ports a guest has that an older KubeVirt started, as somebody notes it of its VM.

virt-handler of 1.6.4, 1.7.2 and 1.8 notes it of a guest that runs on; an admin does before an upgrade, by the audit.
"""

from __future__ import annotations

from webhook.kubevirt.keeping.machine import ANNOTATION, COUNT, Machine, read
from webhook.kubevirt.starting.devices import SLOT_COUNT, annotations_of
from webhook.trees import Tree


def note_of(vm: Tree, stored: Tree, machine: Machine | None) -> str:
    """The number that an update notes of a VM whose fields do not say its places yet; empty where it notes none.

    A machine that was captured is known better. What this service has made of the same update comes by once more: it
    says in its machine what was noted.
    """
    now, before = annotations_of(vm), annotations_of(stored)
    if machine is not None and (machine.written or SLOT_COUNT not in before):
        return ""
    text = now.get(ANNOTATION)
    if text is not None and text != before.get(ANNOTATION):
        made = read(text)
        return made.noted if made is not None else ""
    count = now.get(SLOT_COUNT, "")
    return count if count != before.get(SLOT_COUNT) and COUNT.fullmatch(count) else ""
