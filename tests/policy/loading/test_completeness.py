"""Policies that are not whole: cut anywhere, without a level, without a file that was there. None comes into force."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.policy.context import PLACES
from tests.policy.files import HEAD, LEVEL_POLICIES, ended, policy, whole
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.policy import LEVELS, Loading, Policies, load, shipped
from webhook.policy.loading.budget import Budget
from webhook.policy.loading.completeness import END, missing_ends
from webhook.policy.loading.document import documents
from webhook.policy.loading.load import parse

FILES = sorted(shipped().glob("*/policy.yaml"))
SET = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: PolicySet\nfiles: [%s]\n...\n"
SEVERAL = (policy("one") + "---\n" + policy("two") + LEVEL_POLICIES + END + "\n").encode()
TRICKS = {
    "several documents": SEVERAL,
    "the mark in a text": ended(
        HEAD % "a" + 'rules: [{name: r, deny: {class: host-path}, help: "...\\\n  ..."}]\n'
    ).encode(),
    "the mark in a block": ended(
        HEAD % "a" + "rules:\n- name: r\n  deny: {class: host-path}\n  help: |-\n   ...\n"
    ).encode(),
    "the mark in a comment": ended(policy() + "# ...\n#...\n").encode(),
    "lines that end as on Windows": ended(policy()).replace("\n", "\r\n").encode(),
    "letters of several bytes": ended(policy() + "# ä…\n").encode(),
    "words after the mark": (ended(policy()) + "# nothing follows\n").encode(),
    "a set of files": (SET % "a.yaml, b.yaml").encode(),
}


def accepted(content: bytes) -> bool:
    return not parse(content, "site/policy.yaml", declared_fields())[1]


def complete(content: bytes) -> bool:
    """Whether nothing is missing but what says nothing: comments and blanks after the mark."""
    made, findings = documents(content, "a.yaml", Budget())
    return bool(made) and not findings and not missing_ends(made, content, "a.yaml")


def without_tail(content: bytes) -> bytes:
    """Up to the mark."""
    return content[: content.rindex(b"\n...") + 4]


@pytest.mark.thorough
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_shipped_policy_that_is_cut_at_any_byte_is_not_whole(file: Path) -> None:
    content = file.read_bytes()
    assert accepted(content)
    assert [size for size in range(len(without_tail(content))) if complete(content[:size])] == []


@pytest.mark.thorough
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_shipped_policy_that_is_cut_behind_any_line_is_refused(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    assert [count for count in range(len(lines)) if accepted(b"".join(lines[:count]))] == []


@pytest.mark.parametrize("content", TRICKS.values(), ids=TRICKS)
def test_any_other_file_that_is_cut_at_any_byte_is_refused(content: bytes) -> None:
    assert accepted(content)
    assert [size for size in range(len(without_tail(content))) if accepted(content[:size])] == []


def test_a_file_without_its_last_line_end_is_whole() -> None:
    assert accepted(ended(policy()).rstrip("\n").encode())


@pytest.mark.parametrize("hole", [b"\0" * 16, b"\0" * 4096])
def test_a_file_with_a_hole_is_refused(hole: bytes) -> None:
    content = FILES[0].read_bytes()
    assert not accepted(content[:200] + hole + content[200 + len(hole) :])


def test_a_file_is_refused_with_what_to_write() -> None:
    (finding,) = parse(policy().encode(), "site/policy.yaml", declared_fields())[1]
    assert finding.path == "site/policy.yaml:4:1"
    assert "write `...` as its last line" in finding.help
    assert accepted((policy() + "...\n").encode())


@pytest.mark.parametrize("level", LEVELS)
def test_a_folder_without_a_policy_of_a_level_is_refused(tmp_path: Path, level: str) -> None:
    for file in FILES:
        (tmp_path / f"{file.parent.name}.yaml").write_bytes(file.read_bytes())
    assert load(tmp_path, Loading(declared_fields()))
    (tmp_path / f"{level}.yaml").unlink()
    with pytest.raises(Refused, match=f"no policy is about the level `{level}`"):
        load(tmp_path, Loading(declared_fields()))
    (tmp_path / "own.yaml").write_text(
        ended(HEAD % "own" + f"level: {level}\nrules: [{{name: r, deny: {{class: credential}}}}]\n")
    )
    assert load(tmp_path, Loading(declared_fields()))


def test_a_part_of_a_folder_may_be_looked_at_without_levels(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ended(policy()))
    assert load(tmp_path, Loading(PLACES, levels=False))
    with pytest.raises(Refused):
        load(tmp_path, Loading(PLACES))


class TestSets:
    """A PolicySet names the files of its folder."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "team").mkdir()
        (tmp_path / "levels.yaml").write_text(ended(LEVEL_POLICIES))
        (tmp_path / "team" / "a.yaml").write_text(ended(policy()))
        (tmp_path / "set.yaml").write_text(SET % "levels.yaml, team/a.yaml")
        return tmp_path

    def test_a_folder_that_has_what_it_names_is_loaded(self, folder: Path) -> None:
        assert load(folder, Loading(PLACES)).set_file == f"{folder.name}/set.yaml"

    def test_a_set_may_stand_in_a_file_with_policies(self, folder: Path) -> None:
        (folder / "set.yaml").unlink()
        (folder / "levels.yaml").write_text(LEVEL_POLICIES + "---\n" + SET % "team/a.yaml")
        assert load(folder, Loading(PLACES))

    def test_a_file_that_is_missing_is_a_finding_at_the_start(self, folder: Path) -> None:
        (folder / "team" / "a.yaml").unlink()
        with pytest.raises(Refused, match=r"names the file `team/a\.yaml`, which is missing"):
            Policies(folder, PLACES)

    def test_a_file_that_it_does_not_name_is_a_finding(self, folder: Path) -> None:
        (folder / "b.yaml").write_text(ended(policy("b")))
        with pytest.raises(Refused, match=r"b\.yaml: is not named in .*set\.yaml:1"):
            Policies(folder, PLACES)

    def test_a_file_goes_with_its_name(self, folder: Path) -> None:
        policies = Policies(folder, PLACES)
        (folder / "team" / "a.yaml").unlink()
        assert "which is missing" in str(policies.reload()[0])
        (folder / "set.yaml").write_text(SET % "levels.yaml")
        assert policies.reload() == []
        assert "site" not in [each.name for each in policies.engine.policies]

    def test_a_set_does_not_go_unnoticed(self, folder: Path) -> None:
        policies = Policies(folder, PLACES)
        (folder / "set.yaml").unlink()
        (finding,) = policies.reload()
        assert f"{folder.name}/set.yaml: is missing, and of it is in force: the PolicySet" in str(finding)


def _all_gone(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


LOSSES: dict[str, Callable[[Path], object]] = {
    "a file": lambda folder: (folder / "a.yaml").unlink(),
    "a file with the levels": lambda folder: (folder / "levels.yaml").unlink(),
    "every file": _all_gone,
    "a file's name": lambda folder: (folder / "a.yaml").rename(folder / "a.yaml.orig"),
    "a file's content": lambda folder: (folder / "a.yaml").write_text(""),
    "a part of a file": lambda folder: (folder / "a.yaml").write_text(policy()),
}
MEANT: dict[str, Callable[[Path], object]] = {
    "a policy of a file that stays": lambda folder: (folder / "a.yaml").write_text(ended(policy("two"))),
    "a file whose policies stand elsewhere": lambda folder: (folder / "a.yaml").rename(folder / "b.yaml"),
    "a rule": lambda folder: (folder / "a.yaml").write_text(
        ended(policy("one", "forbid: {class: host-port}") + "---\n" + policy("two"))
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plain folder: two policies in a file, and the levels in another."""
    (tmp_path / "a.yaml").write_text(ended(policy("one") + "---\n" + policy("two")))
    (tmp_path / "levels.yaml").write_text(ended(LEVEL_POLICIES))
    return tmp_path


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_what_a_plain_folder_lost_stays_in_force(folder: Path, lose: Callable[[Path], object]) -> None:
    policies = Policies(folder, PLACES)
    before = policies.engine
    lose(folder)
    assert policies.reload() != []
    assert policies.engine is before


@pytest.mark.parametrize("change", MEANT.values(), ids=MEANT)
def test_what_an_admin_takes_out_goes(folder: Path, change: Callable[[Path], object]) -> None:
    policies = Policies(folder, PLACES)
    before = policies.digest
    change(folder)
    assert policies.reload() == []
    assert policies.digest != before


def test_the_help_of_a_lost_file_followed_lets_it_go(folder: Path) -> None:
    policies = Policies(folder, PLACES)
    (folder / "a.yaml").unlink()
    (finding,) = policies.reload()
    assert finding.path == f"{folder.name}/a.yaml"
    assert "policy `one`, policy `two`" in finding.problem
    assert "`kind: PolicySet`" in finding.help
    (folder / "set.yaml").write_text(SET % "levels.yaml")
    assert policies.reload() == []
    assert [each.name for each in policies.engine.policies] == list(LEVELS)


def test_a_file_that_a_mounted_config_map_lacks_was_taken_out(tmp_path: Path) -> None:
    for name in ("..1", "..2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "levels.yaml").write_text(ended(LEVEL_POLICIES))
    (tmp_path / "..1" / "a.yaml").write_text(ended(policy()))
    os.symlink("..1", tmp_path / "..data")
    policies = Policies(tmp_path, PLACES)
    os.symlink("..2", tmp_path / "..next")
    os.rename(tmp_path / "..next", tmp_path / "..data")
    assert policies.reload() == []
    assert [each.name for each in policies.engine.policies] == list(LEVELS)
    os.unlink(tmp_path / "..data")  # what a mount that is gone looks like
    assert policies.reload() != []


def test_a_whole_file_alone_is_a_whole_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(whole(policy()))
    assert load(tmp_path, Loading(PLACES)).set_file == ""
