"""What KubeVirt calls, by its path: the hooks of sidecars and binding plugins (v1alpha1 to v1alpha3), and of plugins.

The numbers are those of the fields in KubeVirt's `pkg/hooks/**/*.proto` (v1.9.0).
"""

from __future__ import annotations

from collections.abc import Callable

from webhook.sidecar import wire
from webhook.sidecar.connection import Call
from webhook.sidecar.status import Code, Failed

# The domain, the VMI as JSON, and the moment until which the caller waits; the domain that KubeVirt shall define.
Restate = Callable[[bytes, bytes, float], bytes]

_VERSIONS = ("v1alpha1", "v1alpha2", "v1alpha3")
_HOOK_POINTS = ("OnDefineDomain", "Shutdown")


def calls(restate: Restate, shutdown: Callable[[], None]) -> dict[str, Call]:
    """Every call by its path; `shutdown` is told when the virtual machine has ended."""

    def on_define_domain(message: bytes, until: float) -> bytes:
        params = _read(message)
        return wire.text(1, restate(_needed(params, 1, "domainXML"), _needed(params, 2, "vmi"), until))

    def mutate_domain(message: bytes, until: float) -> bytes:
        params = _read(message)
        kind = params.get(1, b"")
        if kind != b"libvirt":
            raise Failed(Code.INVALID_ARGUMENT, f"the domain is of type `{kind[:40].decode(errors='replace')}`")
        return wire.text(1, restate(_needed(params, 2, "domain"), _needed(params, 3, "vmi"), until))

    def on_shutdown(message: bytes, _: float) -> bytes:
        _read(message)
        shutdown()
        return b""

    callbacks: dict[str, Call] = {}
    for version in _VERSIONS:
        service = f"/kubevirt.hooks.{version}.Callbacks"
        callbacks[f"{service}/OnDefineDomain"] = on_define_domain
        if version != "v1alpha1":
            callbacks[f"{service}/PreCloudInitIso"] = _pre_cloud_init_iso
    return callbacks | {
        "/kubevirt.hooks.info.Info/Info": _info,
        "/kubevirt.hooks.v1alpha3.Callbacks/Shutdown": on_shutdown,
        "/kubevirt.hooks.plugins.v1alpha1.DomainHookService/MutateDomain": mutate_domain,
    }


def _info(message: bytes, _: float) -> bytes:
    """Who answers, at which points it wants to be called, and in which versions of the callbacks."""
    _read(message)
    points = b"".join(wire.text(3, wire.text(1, point.encode())) for point in _HOOK_POINTS)
    versions = b"".join(wire.text(4, version.encode()) for version in _VERSIONS)
    return wire.text(1, b"vmconfig") + points + versions


def _pre_cloud_init_iso(message: bytes, _: float) -> bytes:
    """What a guest finds in its cloud-init disk is none of ours: it comes back as it is."""
    params = _read(message)
    return wire.text(1, params.get(1, b"")) + wire.text(3, params.get(3, b""))


def _read(message: bytes) -> dict[int, bytes]:
    try:
        return wire.read(message)
    except wire.Malformed as malformed:
        raise Failed(Code.INVALID_ARGUMENT, f"the message is malformed: {malformed}") from None


def _needed(params: dict[int, bytes], number: int, name: str) -> bytes:
    if not params.get(number):
        raise Failed(Code.INVALID_ARGUMENT, f"the message has no `{name}`")
    return params[number]
