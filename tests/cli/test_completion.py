"""What shells complete: bash really does; zsh and fish read it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import packages
from tests.cli.test_cli import vmconfig
from webhook.cli import found


def completed(*words: str, folder: Path | None = None) -> set[str]:
    """What bash offers for the last of these words."""
    script = vmconfig("completion", "bash").stdout
    asked = " ".join(f"'{word}'" for word in ("vmconfig", *words))
    script += f'COMP_WORDS=({asked}); COMP_CWORD={len(words)}; _vmconfig; printf "%s\\n" "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(["bash", "-eu"], input=script, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_first_word_is_a_verb_or_a_group() -> None:
    assert completed("") == {verb.group.name if verb.group else verb.name for verb in found()}
    assert completed("ex") == {"expand", "explain"}


def test_the_word_behind_a_group_is_one_of_its_tools() -> None:
    assert completed("policy", "") == {verb.name for verb in found() if verb.group}
    assert "expand" not in completed("policy", "")


@pytest.mark.parametrize("verb", found(), ids=lambda verb: verb.words)
def test_each_verb_offers_its_flags_and_no_others(verb: object) -> None:
    words = verb.words.split()  # type: ignore[attr-defined]
    flags = {word for word in completed(*words, "--") if word != "--help"}
    told = vmconfig(*words, "--help").stdout
    assert [flag for flag in flags if flag not in told] == []
    assert ("--output" in flags) == verb.prints  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("check", "vm.yaml", "-o", ""), {"text", "json", "yaml"}),
        (("check", "--level", "pr"), {"privileged"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
        (("check", "--policies", ""), set()),
        (("check", "a"), set()),
        (("explain", "--all"), set()),
        (("policy", "explain", "--all"), {"--all"}),
    ],
)
def test_values_are_offered_where_there_are_some_and_files_elsewhere(words: tuple[str, ...], offered: set[str]) -> None:
    assert completed(*words) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_what_is_made_for_them(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(vmconfig("completion", shell).stdout)
    assert all(verb.name in script.read_text() for verb in found())
    packages.need("shells")
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


def test_a_shell_that_is_not_known_is_a_wrong_call() -> None:
    assert vmconfig("completion", "cmd").returncode == 2
