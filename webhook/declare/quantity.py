"""Amounts as Kubernetes writes them. Pure arithmetic.

Of our own API amounts of memory, in KiB as libvirt counts them: a bare whole number is always MiB; a string is a
Kubernetes quantity (apimachinery's resource.Quantity without its exponent form), so a string without a suffix is bytes.
Of other APIs any quantity, as apimachinery reads it.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?")
_BYTES: dict[str | None, int] = {
    None: 1,
    **{suffix: 1024 ** (power + 1) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{suffix: 1000 ** (power + 1) for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"))},
}

# All of apimachinery's grammar: a sign, digits on either side of a point, and a suffix or an exponent of ten.
_QUANTITY = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?[0-9]{1,9}))")
_NANO = 10**9
_SMALL = {"n": 1, "u": 10**3, "m": 10**6}
# More digits than any amount has: 10 to the power of this is more than all limits, whatever else is written.
_DIGITS = 40


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


def nano(value: object) -> int | None:
    """A quantity in billionths, rounded up as apimachinery does; None where it is none.

    A bare number is itself, in bytes or cores. Of a number too long to be an amount only that it is very large is kept.
    """
    if type(value) is int:
        return value * _NANO if abs(value) < 10**_DIGITS else _largest(value < 0)
    form = _QUANTITY.fullmatch(repr(value) if type(value) is float else value if type(value) is str else "")
    if form is None:
        return None
    sign, whole, fraction, suffix, exponent = form.groups()
    fraction = fraction or ""
    if not whole and not fraction:
        return None
    whole, fraction, power = whole.lstrip("0"), fraction[:_DIGITS], int(exponent or 0)
    if not int(whole[:_DIGITS] + fraction or "0"):
        return 0
    if len(whole) + max(power, -_DIGITS) > _DIGITS:
        return _largest(sign == "-")
    scale = _SMALL.get(suffix) or _BYTES[suffix] * _NANO
    size, places = int(whole + fraction) * scale, len(fraction) - max(power, -2 * _DIGITS)
    size = -(-size // int(10**places)) if places > 0 else size * int(10**-places)
    return -size if sign == "-" else size


def _largest(negative: bool) -> int:
    largest: int = 10 ** (_DIGITS + 9)
    return -largest if negative else largest
