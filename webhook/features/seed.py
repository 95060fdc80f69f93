"""What sets the guest up at its first boot, by cloud-init, sysprep or Ignition: a Secret or a ConfigMap by name.

It is a CD-ROM drive whose image the host makes of the object; Ignition's configuration stands in fw_cfg. The object may
change later; its content is never read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from webhook.declare import Element, choice, frontend, reference
from webhook.domain.names import names_of
from webhook.domain.seeds import CONFIG_DRIVE, IGNITION, NO_CLOUD, SYSPREP
from webhook.domain.types import DeviceName, ObjectName
from webhook.features.contribution import Contribution, one, repeated
from webhook.features.platform import Platform, absent
from webhook.findings import Finding, Refused
from webhook.trees import Tree

_CLOUD_INIT, _SYSPREP, _IGNITION = "cloud-init", "sysprep", "ignition"
# Machines whose QEMU has fw_cfg (hw/nvram/fw_cfg.c), where Ignition looks for its configuration.
_WITH_FW_CFG = ("q35", "i440fx", "virt")


# As KubeVirt and others call it.
ALSO = ("cloudInit", "cloudInitNoCloud", "cloudInitConfigDrive", "sysprep", "ignition", "userData")
_SECRET = ("userData", "userDataBase64", "networkData", "networkDataBase64", "secretRef", "secretName")


class Seed(Element):
    """What sets the guest up; `secret` or `configMap` names what it is made of."""

    also: ClassVar[Mapping[str, str]] = dict.fromkeys(map(str.lower, _SECRET), "secret")

    name: DeviceName | None = frontend(
        "-", doc="What its drive is known by (lower-case letters, digits, `-`); else one is made."
    )
    type: Annotated[str, choice(_CLOUD_INIT, _SYSPREP, _IGNITION)] | None = frontend(
        "-", doc="What reads it in the guest: `cloud-init`, `sysprep` of Windows, or `ignition`."
    )
    datasource: Annotated[str, choice(NO_CLOUD, CONFIG_DRIVE)] | None = frontend(
        "-", doc="How cloud-init finds it: `NoCloud` or `ConfigDrive`; `NoCloud` where unsaid."
    )
    secret: ObjectName | None = reference("Secret", "-", doc="The Secret that it is made of, by its name.")
    config_map: ObjectName | None = reference("ConfigMap", "-", doc="The ConfigMap that it is made of, by its name.")


Wanted = list[Seed]


def expand(wanted: list[Seed] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a seed. Raises Refused for one that says too little or too much, and for a second of a form."""
    if not wanted:
        return []
    findings = [finding for index, seed in enumerate(wanted) for finding in _wrong(seed, f"{origin}[{index}]")]
    findings += repeated(((i, "name", seed.name) for i, seed in enumerate(wanted)), origin, "seed", "seed")
    of_ignition = [index for index, seed in enumerate(wanted) if seed.type == _IGNITION]
    if of_ignition and platform.machine.family not in _WITH_FW_CFG:
        findings.append(absent(f"{origin}[{of_ignition[0]}].type", "place for Ignition (fw_cfg)", platform))
    findings += _read_once(wanted, origin)
    if findings:
        raise Refused(findings)
    names = names_of((seed.name, _base(seed)) for seed in wanted)
    return [
        _contribution(seed, name, platform, f"{origin}[{index}]")
        for index, (seed, name) in enumerate(zip(wanted, names, strict=True))
    ]


def _read_once(wanted: list[Seed], origin: str) -> Iterator[Finding]:
    """Of several seeds that one reader would find, it reads one."""
    first: dict[str, int] = {}
    for index, seed in enumerate(wanted):
        form = _form(seed)
        if form and first.setdefault(form, index) != index:
            what = f"`{seed.type}` by `{form}`" if seed.type == _CLOUD_INIT else f"`{seed.type}`"
            problem = f"is {what}, as that of entry {first[form]} is: the guest reads one"
            yield Finding(f"{origin}[{index}].type", problem, "leave one of the two out", "seed")


def _form(seed: Seed) -> str:
    """What its drive is found by, or where its text is; empty for a seed that says too little."""
    if seed.type == _CLOUD_INIT:
        return seed.datasource or NO_CLOUD
    return {_SYSPREP: SYSPREP, _IGNITION: IGNITION}.get(seed.type or "", "")


def _wrong(seed: Seed, place: str) -> list[Finding]:
    """What is wrong with one entry alone."""
    found = []
    if seed.type is None:
        way = f"say `{_CLOUD_INIT}`, `{_SYSPREP}` or `{_IGNITION}`"
        found.append(Finding(f"{place}.type", "is missing: nobody knows who reads it in the guest", way, "seed"))
    if seed.datasource and seed.type not in (None, _CLOUD_INIT):
        problem = f"is said of `{seed.type}`, and only {_CLOUD_INIT} has datasources"
        found.append(Finding(f"{place}.datasource", problem, "leave it out", "seed"))
    if seed.name and seed.type == _IGNITION:
        problem = f"is said of `{_IGNITION}`, which is no drive"
        found.append(Finding(f"{place}.name", problem, "leave it out", "seed"))
    if seed.secret and seed.config_map:
        problem = f"is said beside the Secret `{seed.secret}`"
        found.append(Finding(f"{place}.configMap", problem, "leave one of the two out", "seed"))
    elif not seed.secret and not seed.config_map:
        way = "name the Secret, or the ConfigMap in `configMap`, that it shall be made of"
        found.append(Finding(f"{place}.secret", "is missing: there would be nothing to read", way, "seed"))
    return found


def _base(seed: Seed) -> str:
    return seed.type or "seed"


def _contribution(seed: Seed, name: str, platform: Platform, origin: str) -> Contribution:
    reference: Tree = {"secret": seed.secret} if seed.secret else {"configMap": seed.config_map}
    because = platform.guest.because
    if seed.type == _IGNITION:
        return Contribution(origin, {"fwCfg": {"entries": [{"name": IGNITION, **reference}]}}, {}, because)
    bus = platform.machine.defaults["cdrom"]
    drive: Tree = {"name": name, "device": "cdrom", "target": {"bus": bus}, "readonly": True}
    asked = one("disks", {"name": name, "seed": _form(seed), **reference})
    return Contribution(origin, asked, one("disks", drive), because, "" if seed.name else _base(seed))
