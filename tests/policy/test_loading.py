"""Loading a folder: what is refused and in which words, what is read, and that it is all or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.policy.context import PLACES, TODAY
from tests.policy.files import ended, policy, whole
from webhook.findings import Refused
from webhook.policy import load

WRONG = Path(__file__).parent / "wrong"


def loaded(folder: Path) -> list[str]:
    """The names of the policies that a folder gives, but for those of levels."""
    return [each.name for each in load(folder, PLACES, today=lambda: TODAY).engine.policies if not each.level]


def wrong(folder: Path) -> str:
    """All findings of a folder that is refused."""
    with pytest.raises(Refused) as refused:
        load(folder, PLACES, today=lambda: TODAY)
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
        load(tmp_path, PLACES, "strict")


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


def test_the_digest_changes_with_a_byte_and_with_a_name(tmp_path: Path) -> None:
    def digest() -> str:
        return load(tmp_path, PLACES).digest

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
        digests.add(load(tmp_path / name, PLACES).digest)
    assert len(digests) == 1


def test_an_exception_past_its_day_is_noted_and_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        whole(
            policy() + "exceptions:\n"
            "- {rule: site/r, namespaces: [lab], until: 2026-11-23, owner: boot-team, ticket: OPS-9}\n"
            "- {rule: site/r, namespaces: [lab], until: 2026-11-24, owner: boot-team, ticket: OPS-9}\n"
        )
    )
    notes = load(tmp_path, PLACES, today=lambda: date(2026, 11, 24)).notes
    assert [str(note) for note in notes] == [
        f"{tmp_path.name}/a.yaml:6: the exception to `site/r` ended on 2026-11-23\n"
        "  help: remove it, or ask boot-team for a new day (OPS-9)"
    ]
