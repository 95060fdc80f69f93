"""What a VirtualMachine's status asks for: a disk that is plugged in, a dump of the guest's memory.

`virtctl addvolume` and `virtctl memory-dump` have it written there. KubeVirt's controller writes it into the machine,
where nobody asks any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from webhook.kubevirt.api.kinds import at
from webhook.kubevirt.api.patches import Patched


def requested(obj: Any, stored: Any) -> Iterator[Patched]:
    """What the status of a VirtualMachine asks for and the stored one does not, each as what it writes."""
    yield from _disks(at(obj, ("status", "volumeRequests")), at(stored, ("status", "volumeRequests")))
    wanted, before = (at(each, ("status", "memoryDumpRequest")) for each in (obj, stored))
    claim = at(wanted, ("claimName",))
    if claim is not None and claim != at(before, ("claimName",)) and at(wanted, ("remove",)) is not True:
        volume = {"name": claim, "memoryDump": {"claimName": claim}}
        yield Patched("status.memoryDumpRequest", _machine({"volumes": [volume]}))


def _disks(wanted: Any, before: Any) -> Iterator[Patched]:
    known = {orjson.dumps(each) for each in before} if type(before) is list else set()
    for index, each in enumerate(wanted if type(wanted) is list else ()):
        options = at(each, ("addVolumeOptions",))
        if type(options) is not dict or orjson.dumps(each) in known:
            continue
        disk, source = options.get("disk"), options.get("volumeSource")
        volume = {**source, "name": options.get("name")} if type(source) is dict else source
        spec = {"domain": {"devices": {"disks": [disk]}}, "volumes": [volume]}
        yield Patched(f"status.volumeRequests[{index}].addVolumeOptions", _machine(spec))


def _machine(spec: Any) -> Any:
    return {"spec": {"template": {"spec": spec}}}
