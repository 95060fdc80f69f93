"""Write the reference pages, which are made of the code. A test fails where they are not as this writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from webhook import guests
from webhook.abi.consequences import Row, rows
from webhook.abi.plugging import table
from webhook.admission.apis import kubevirt_api
from webhook.consistency import RULES, Rule
from webhook.declare import Shape, shape_of
from webhook.kinds import declared_fields
from webhook.kubevirt.api import declared_fields as kubevirt_fields
from webhook.libvirt.host.declared import HostFile
from webhook.policy import Loading, load, shipped
from webhook.policy.language.selection import decided_with
from webhook.policy.tools.difference import ALLOWED, outcomes
from webhook.policy.tools.reference import page
from webhook.rule_sets import RULE_SETS

FOLDER = Path(__file__).resolve().parent / "reference"
# A page with tables between its own words, in the folder above.
_LIFE = FOLDER.parent / "life.md"
_RULES = """# What has to fit together

Made of the rules of `webhook/consistency/` by `make generate`. They hold for every complete machine, whoever wrote it,
and no policy turns them off.

| rule | on a breach | why |
| --- | --- | --- |
"""
_KUBEVIRT = """# Classes and paths of KubeVirt's API

Made of the tables of `webhook/kubevirt/api/` by `make generate`. A rule of a `KubeVirtPolicy` names a class, a path
below, or both. `vmi` is the spec of a VirtualMachineInstance wherever it stands, `vm` that of a VirtualMachine without
its template, `annotations` and `labels` are those of the template, under the names that `annotations.yaml` there has.
Below an element of a backend class nothing is listed: it is decided as a whole.
[What each level refuses](../kubevirt-policy.md)."""
_LEVELS = """# What each level refuses of KubeVirt's virtual machines

Made of the tables of `webhook/kubevirt/api/` and the shipped policies by `make generate`. What is not here is allowed
at every level. *By value*: some values are allowed, or some are refused. Below an element that is decided as a whole
nothing is listed. What the paths mean: [the classes](kubevirt-classes.md).

| field | class | `restricted` | `baseline` | `privileged` |
| --- | --- | --- | --- | --- |
"""
_GUESTS = """# The guests

Made of the newest rule set's guests by `make generate`. What a name may look like: [features](../features.md#guests).
The machine is that of x86_64 where nobody says one; disk and network card are those of that machine. The least is what
its maker asks for, in MiB, vCPUs and GiB.

| guest | machine | firmware | disk, network card | the least | also |
| --- | --- | --- | --- | --- | --- |
"""
_HOST = """# The host file

Made of the declarations of `webhook/libvirt/host/declared.py` by `make generate`. Every part can be left out; `[*]` is
an entry of a list. [From a VM to a running guest](../boot.md) has an example; `vmconfig host` writes one.

| field | what it says |
| --- | --- |
"""


def wanted() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {
        "classes.md": page(declared_fields()),
        "kubevirt-classes.md": page(kubevirt_fields(), _KUBEVIRT),
        "kubevirt-levels.md": _LEVELS + "".join(_levels()),
        "consistency.md": _RULES + "".join(map(_row, RULES)),
        "../life.md": _life(),
        "host.md": _HOST + "".join(_host_fields(shape_of(HostFile), "")),
        "guests.md": _GUESTS + "".join(map(_guest, guests.guests(RULE_SETS[-1]))),
    }


def _levels() -> Iterator[str]:
    """A row for each field of KubeVirt's that some level refuses."""
    loaded = load(shipped(), Loading(declared_fields(), kubevirt=kubevirt_api()))
    for path, kind, by_level in outcomes(loaded.kubevirt) if loaded.kubevirt else ():
        if set(by_level) != {ALLOWED} and not decided_with(path, kubevirt_fields()):
            yield f"| `{path}` | {kind} | {' | '.join(by_level)} |\n"


def _row(rule: Rule) -> str:
    why = (rule.check.__doc__ or "").partition("\n")[0]
    return f"| {rule.name.replace('_', ' ')} | {'refused' if rule.refuses else 'a warning'} | {why} |\n"


def _host_fields(shape: Shape, above: str) -> Iterator[str]:
    """A row for each field of a host file, what an element is before its fields."""
    for field in shape.fields.values():
        path = field.declared_in(above)
        yield f"| `{path}` | {field.doc or (field.shape.doc if field.shape else '')} |\n"
        if field.shape is not None:
            yield from _host_fields(field.shape, path)


def _guest(guest: guests.Guest) -> str:
    firmware = "UEFI with secure boot" if guest.secure_boot else {"efi": "UEFI", "bios": "BIOS"}[guest.firmware]
    devices = f"{guest.disk[guest.machine]}, {guest.nic[guest.machine]}"
    least = f"{guest.minimum.memory}, {guest.minimum.cpus}, {guest.minimum.disk}"
    also = ", ".join(f"`{word}`" for word in guests.others(guest, RULE_SETS[-1]))
    tpm = ", TPM" if guest.tpm else ""
    return f"| {guest.title} | {guest.machine} | {firmware}{tpm} | {devices} | {least} | {also} |\n"


def _life() -> str:
    """The page on a VM's life, with the tables of changes between its markers."""
    text = _LIFE.read_text()
    for source, lines in (("consequences", _changes()), ("plugging", _plugged())):
        before, begin, after = text.partition(f"<!-- made of webhook/abi/{source}.yaml by `make generate` -->\n")
        text = before + begin + "\n".join(lines) + "\n" + after[after.index("<!-- end -->") :]
    return text


def _changes() -> Iterator[str]:
    yield "| field | class | what the guest notices |"
    yield "| --- | --- | --- |"
    for row in rows():
        yield f"| {_place(row)} | {row.consequence.change_class}{_only(row)} | {row.consequence.text} |"


def _place(row: Row) -> str:
    kinds = " or ".join(value for values in row.of.values() for value in values)
    return (f"`{row.place}`" if row.place else "any other") + (f" of {kinds}" if kinds else "")


def _only(row: Row) -> str:
    """Where a change happens while the guest runs, and not at its next cold boot."""
    where = [", ".join(row.architectures)] if row.architectures else []
    where += [f"with a {row.device}"] if row.device else []
    where += [f"within the same `{row.within}`"] if row.within else []
    return f" ({'; '.join(where)}; else reboot)" if where else ""


def _plugged() -> Iterator[str]:
    read = table()
    yield f"While the guest runs, on {', '.join(f'`{bus}`' for bus in read['buses'])} (drives on SCSI alone):"
    yield f"{', '.join(f'`{kind}`' for kind in read['plugged'])}. All others at the next cold boot. Of"
    yield f"{', '.join(f'`{kind}`' for kind in read['unseen'])} the guest sees nothing."


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
