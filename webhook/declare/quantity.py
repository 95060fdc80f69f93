"""Amounts of memory as Kubernetes writes them, in KiB as libvirt counts them. Pure arithmetic.

A bare whole number is always MiB; a string is a Kubernetes quantity (apimachinery's resource.Quantity without
its exponent form), so a string without a suffix is bytes.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?")
_BYTES: dict[str | None, int] = {
    None: 1,
    **{suffix: 1024 ** (power + 1) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{suffix: 1000 ** (power + 1) for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"))},
}


def kib(value: object) -> int | None:
    """The amount in KiB, or None where the value is no amount of whole KiB."""
    if type(value) is int:
        return value * 1024 if value >= 0 else None
    if type(value) is not str:
        return None
    size, rest = _bytes(value)
    return size // 1024 if rest == 0 and size % 1024 == 0 else None


def nearby(value: object) -> str:
    """The next larger whole MiB, where the value is a quantity that is not whole in KiB; else empty."""
    if type(value) is not str or kib(value) is not None:
        return ""
    size, rest = _bytes(value)
    return f"{-(-(size + (rest > 0)) // 1024**2)}Mi" if rest >= 0 else ""


def _bytes(value: str) -> tuple[int, int]:
    """Whole bytes of a quantity, and what is left beside them; less than 0 where it is none."""
    form = _FORM.fullmatch(value)
    if form is None:
        return 0, -1
    whole, fraction, suffix = form.groups()
    scale = _BYTES[suffix]
    part, rest = divmod(int(fraction) * scale, 10 ** len(fraction)) if fraction else (0, 0)
    return int(whole) * scale + part, rest


def written(amount: int) -> int | str:
    """An amount of KiB as the API writes it: MiB as a whole number where that is exact, else a quantity."""
    return amount // 1024 if amount % 1024 == 0 else f"{amount}Ki"
