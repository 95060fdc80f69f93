"""Loading a folder: what is refused and in which words, what is read, and that it is all or nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.policy.context import PLACES, TODAY
from tests.policy.files import ended, policy, whole
from webhook.findings import Refused
from webhook.policy import Loading, load
from webhook.policy.loading.budget import Budget

WRONG = Path(__file__).parent / "wrong"


def loaded(folder: Path) -> list[str]:
    """The names of the policies that a folder gives, but for those of levels."""
    return [each.name for each in load(folder, Loading(PLACES, today=lambda: TODAY)).engine.policies if not each.level]


def wrong(folder: Path) -> str:
    """All findings of a folder that is refused."""
    with pytest.raises(Refused) as refused:
        load(folder, Loading(PLACES, today=lambda: TODAY))
    return str(refused.value) + "\n"


@pytest.mark.parametrize("folder", sorted(WRONG.iterdir()), ids=lambda folder: folder.name)
def test_each_mistake_is_found_with_its_line(folder: Path, golden: Callable[[Path, str], None]) -> None:
    golden(folder / "findings.txt", wrong(folder))


def test_nothing_is_told_of_what_is_no_policy() -> None:
    """Wherever findings go: to a terminal, a log, an Event or an answer."""
    assert any("canary" in file.read_text() for file in (WRONG / "foreign").glob("*.yaml"))
    assert "canary" not in wrong(WRONG / "foreign")


def test_files_are_read_in_folders_and_documents(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a.yaml").write_text(whole(policy("one") + "---\n" + policy("two") + "---\n"))
    (tmp_path / "b" / "c" / "d.yaml").write_text(ended(policy("three")))
    assert loaded(tmp_path) == ["one", "two", "three"]


def test_suites_and_hidden_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    (tmp_path / "suite.yaml").write_text("cases: []")
    (tmp_path / ".a.yaml").write_text("not: a policy")
    (tmp_path / "README.md").write_text("words")
    assert loaded(tmp_path) == ["site"]


def test_a_loader_rests_at_files_too_that_it_does_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    rests: list[int] = []

    def rested() -> int:
        rests.clear()
        load(tmp_path, Loading(PLACES, budget=Budget(lambda: rests.append(1))))
        return len(rests)

    before = rested()
    for number in range(100):
        (tmp_path / f"{number}.txt").touch()
    assert rested() >= before + 100


def test_the_manifests_of_a_suites_cases_are_not_read_as_policies(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "vm.yaml").write_text("kind: VM")
    assert "cases/vm.yaml:1:1: is no policy" in wrong(tmp_path)
    (tmp_path / "suite.yaml").write_text("cases: []")
    assert loaded(tmp_path) == ["site"]


@pytest.mark.parametrize("name", ["a.yml", "a.json"])
def test_a_file_that_somebody_may_think_is_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "good.yaml").write_text(whole(policy()))
    (tmp_path / name).write_text(ended(policy("other")))
    assert f"{tmp_path.name}/{name}: is not read\n" in wrong(tmp_path)


def test_one_bad_file_refuses_all(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(whole(policy()))
    (tmp_path / "bad.yaml").write_text(ended(policy("bad", "forbid: {class: nothing}")))
    assert "bad.yaml:4" in wrong(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "holds no policy" in wrong(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in wrong(tmp_path / "gone")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()) + "#" * (1 << 20))
    assert "a.yaml:1:1: has 1048577 bytes" in wrong(tmp_path)


def test_an_unknown_default_level_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    with pytest.raises(Refused, match="`strict` is no level"):
        load(tmp_path, Loading(PLACES, "strict"))


def test_a_mounted_config_map_is_read_once_through_its_link(tmp_path: Path) -> None:
    for version, name in (("..2026_01", "old"), ("..2026_02", "new")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(whole(policy(name)))
    # kubelet makes and removes the visible links only after it has swapped `..data`.
    os.symlink("..2026_02", tmp_path / "..data")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")
    (tmp_path / "..2026_02" / "b.yaml").write_text(ended(policy("newer")))
    assert loaded(tmp_path) == ["new", "newer"]


def test_a_link_that_leads_back_up_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    os.symlink(tmp_path, tmp_path / "loop")
    assert loaded(tmp_path) == ["site"]


def _linked(path: Path, to: str) -> None:
    os.symlink(to, path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "it is no regular file"),
    "a link to a pipe": (
        lambda path: (os.mkfifo(path.parent / "pipe"), _linked(path, "pipe")),
        "it is no regular file",
    ),
    "a device": (lambda path: _linked(path, "/dev/zero"), "it is no regular file"),
    "a link to a folder": (lambda path: _linked(path, "/etc"), "Is a directory"),
    "a socket": (_socket, "No such device or address"),
    "a link to nothing": (lambda path: _linked(path, "gone"), "No such file or directory"),
    "a link to itself": (lambda path: _linked(path, path.name), "Too many levels of symbolic links"),
}


@pytest.mark.parametrize("case", NO_FILES)
def test_what_is_called_like_a_policy_file_and_is_no_file_is_a_finding(tmp_path: Path, case: str) -> None:
    make, problem = NO_FILES[case]
    (tmp_path / "a.yaml").write_text(whole(policy()))
    make(tmp_path / "b.yaml")
    assert f"b.yaml: cannot be read: {problem}" in wrong(tmp_path)


@pytest.mark.parametrize("name", [b"\xff.yaml", b"\xff.yml", b"\xff", b"a\nb.yaml", "\u202eb.yaml".encode()])
def test_a_name_that_cannot_be_shown_is_a_finding_that_can(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(ended(policy("b")))
    with pytest.raises(Refused) as refused:
        load(tmp_path, Loading(PLACES))
    (finding,) = refused.value.findings
    assert finding.problem == "cannot be read: its name has characters that cannot be shown"
    assert finding.path.isprintable()


def test_what_is_no_folder_leads_to_one_and_a_file_that_is_gone_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    for named in ("a.yaml", "gone"):
        assert "name a folder of policy files" in wrong(tmp_path / named)
    _linked(tmp_path / "b.yaml", "gone")
    assert "put there what this process can read, or remove it" in wrong(tmp_path)


def test_a_folder_that_is_a_link_to_itself_is_a_finding(tmp_path: Path) -> None:
    os.symlink("policies", tmp_path / "policies")
    assert "policies: cannot be read: Too many levels of symbolic links" in wrong(tmp_path / "policies")


def test_policies_that_are_too_deep_to_be_read_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    deep = tmp_path.joinpath(*"abcdefgh")
    deep.mkdir(parents=True)
    (deep / "b.yaml").write_text(ended(policy("b")))
    assert loaded(tmp_path) == ["b", "site"]
    (deep / "i").mkdir()
    assert "i: cannot be read: folders are nested deeper than 8" in wrong(tmp_path)


def test_the_digest_changes_with_a_byte_and_with_a_name(tmp_path: Path) -> None:
    def digest() -> str:
        return load(tmp_path, Loading(PLACES)).digest

    file = tmp_path / "a.yaml"
    file.write_text(whole(policy()))
    first = digest()
    assert first == digest()
    file.write_text(whole(policy()) + "#")
    second = digest()
    file.rename(tmp_path / "b.yaml")
    assert len({first, second, digest()}) == 3


def test_the_digest_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    digests = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(whole(policy()))
        digests.add(load(tmp_path / name, Loading(PLACES)).digest)
    assert len(digests) == 1


def test_an_exception_past_its_day_is_noted_and_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        whole(
            policy() + "exceptions:\n"
            "- {rule: site/r, namespaces: [lab], until: 2026-11-23, owner: boot-team, ticket: OPS-9}\n"
            "- {rule: site/r, namespaces: [lab], until: 2026-11-24, owner: boot-team, ticket: OPS-9}\n"
        )
    )
    notes = load(tmp_path, Loading(PLACES, today=lambda: date(2026, 11, 24))).notes
    assert [str(note) for note in notes] == [
        f"{tmp_path.name}/a.yaml:6: the exception to `site/r` ended on 2026-11-23\n"
        "  help: remove it, or ask boot-team for a new day (OPS-9)"
    ]


IDLE = [
    'path: "domain.devices.disks[*].claim"',
    "class: goal",
    "total: vcpus",
    "class: reference, path: domain.devices",
]


@pytest.mark.parametrize("selected", IDLE)
def test_a_permit_of_what_nothing_denies_is_noted_and_not_fatal(tmp_path: Path, selected: str) -> None:
    when = ", when: {below: 9}" if "total" in selected else ""
    (tmp_path / "b.yaml").write_text(whole(policy()))
    (tmp_path / "a.yaml").write_text(ended(policy("own", f"permit: {{{selected}}}{when}")))
    (note,) = load(tmp_path, Loading(PLACES)).notes
    assert note.path == f"{tmp_path.name}/a.yaml:4"
    assert note.problem == "`own/r` decides nothing: no policy denies what it permits"


@pytest.mark.parametrize(
    ("selected", "denied"),
    [
        ('path: "domain.devices.disks[*].driver.cache"', "class: placement"),
        ("path: domain.type", "class: placement"),
        ("class: backend", "class: placement"),
        *[(each, each) for each in IDLE if "," not in each],
        ('path: "domain.devices.disks[*].claim"', "class: reference"),
        ("path: domain.devices", 'path: "domain.devices.disks[*].claim"'),
        ("class: reference", 'path: "domain.devices.disks[*].claim"'),
        ('path: "domain.devices.disks[*].claim"', "path: domain.devices, class: reference"),
    ],
)
def test_a_permit_of_what_something_denies_is_not_noted(tmp_path: Path, selected: str, denied: str) -> None:
    limits = [", when: {above: 4}", ", when: {below: 9}"] if "total" in selected else ["", ""]
    (tmp_path / "b.yaml").write_text(whole(policy("site", f"deny: {{{denied}}}{limits[0]}")))
    (tmp_path / "a.yaml").write_text(ended(policy("own", f"permit: {{{selected}}}{limits[1]}")))
    assert load(tmp_path, Loading(PLACES)).notes == ()


def test_a_part_of_a_folder_has_no_note_of_permits(tmp_path: Path) -> None:
    """What they lift may be in the other part."""
    (tmp_path / "a.yaml").write_text(ended(policy("own", f"permit: {{{IDLE[0]}}}")))
    assert load(tmp_path, Loading(PLACES, levels=False)).notes == ()
