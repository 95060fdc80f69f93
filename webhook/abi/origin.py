"""Where a machine comes from: one that was found elsewhere is kept as it was found."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.abi.state import IMPORTED, LATEST
from webhook.findings import Finding
from webhook.trees import Tree


def is_imported(abi: Tree) -> bool:
    """Whether the machine was found elsewhere, so that best practice adds nothing to it."""
    return abi.get("origin") == IMPORTED


# QEMU's own model brings nested virtualization, and what is unsaid no policy sees.
_WITHOUT_MODEL = frozenset({"aarch64", "riscv64"})


def unsaid_cpu(abi: Tree, domain: Tree, path: str) -> Iterator[Finding]:
    """An imported machine of which QEMU would choose the CPU: a policy about CPUs has to see it."""
    cpu, arch = domain.get("cpu") or {}, ((domain.get("os") or {}).get("type") or {}).get("arch")
    is_said = cpu.get("model") or cpu.get("mode", "custom") != "custom" or arch in _WITHOUT_MODEL
    if is_imported(abi) and not is_said:
        way = "name the model that the guest had; `qemu64` is QEMU's own on x86_64"
        yield Finding(f"{path}.domain.cpu.model", "is missing from an imported machine", way, "complete")


def wrong_origin(stored: Tree | None, abi: Tree, path: str) -> Iterator[Finding]:
    """An imported machine that shall follow rule sets, and an origin that changes; `path` is the spec's.

    `stored` is what is stored of the same VM, None where nothing is.
    """
    if is_imported(abi) and abi.get("policy") == LATEST:
        way = "leave `policy` out: an imported machine stays as it is"
        yield Finding(f"{path}.abi.policy", "`latest` would make an imported machine another one", way, "origin")
    if stored is not None and stored.get("origin") != abi.get("origin"):
        was, now = ("`imported`" if is_imported(each) else "unsaid" for each in (stored, abi))
        way = "restore it: where a machine comes from does not change"
        yield Finding(f"{path}.abi.origin", f"is {now}, it was {was}", way, "frozen")
