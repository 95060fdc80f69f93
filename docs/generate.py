"""Write the reference pages, which are made of the code. A test fails where they are not as this writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from webhook import guests
from webhook.consistency import RULES, Rule
from webhook.kinds import declared_fields
from webhook.policy.tools.reference import page
from webhook.rule_sets import RULE_SETS

FOLDER = Path(__file__).resolve().parent / "reference"
_RULES = """# What has to fit together

Made of the rules of `webhook/consistency/` by `make generate`. They hold for every complete machine, whoever wrote it,
and no policy turns them off.

| rule | on a breach | why |
| --- | --- | --- |
"""
_GUESTS = """# The guests

Made of the newest rule set's guests by `make generate`. What a name may look like: [features](../features.md#guests).
The machine is that of x86_64 where nobody says one; disk and network card are those of that machine. The least is what
its maker asks for, in MiB, vCPUs and GiB.

| guest | machine | firmware | disk, network card | the least | also |
| --- | --- | --- | --- | --- | --- |
"""


def wanted() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {
        "classes.md": page(declared_fields()),
        "consistency.md": _RULES + "".join(map(_row, RULES)),
        "guests.md": _GUESTS + "".join(map(_guest, guests.guests(RULE_SETS[-1]))),
    }


def _row(rule: Rule) -> str:
    why = (rule.check.__doc__ or "").partition("\n")[0]
    return f"| {rule.name.replace('_', ' ')} | {'refused' if rule.refuses else 'a warning'} | {why} |\n"


def _guest(guest: guests.Guest) -> str:
    firmware = "UEFI with secure boot" if guest.secure_boot else {"efi": "UEFI", "bios": "BIOS"}[guest.firmware]
    devices = f"{guest.disk[guest.machine]}, {guest.nic[guest.machine]}"
    least = f"{guest.minimum.memory}, {guest.minimum.cpus}, {guest.minimum.disk}"
    also = ", ".join(f"`{word}`" for word in guests.others(guest, RULE_SETS[-1]))
    tpm = ", TPM" if guest.tpm else ""
    return f"| {guest.title} | {guest.machine} | {firmware}{tpm} | {devices} | {least} | {also} |\n"


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
