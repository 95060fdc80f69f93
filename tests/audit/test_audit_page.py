"""The page about stored VMs names every flag, result and word of the tools that it is about."""

from __future__ import annotations

import argparse

import pytest

from tests.cli.test_cli import ROOT
from webhook.cli import _parser, audit
from webhook.cli.difference import _FATES
from webhook.policy.tools.report import OUTCOMES

PAGE = (ROOT / "docs" / "audit.md").read_text()


def test_every_flag_of_the_audit_is_in_the_table() -> None:
    parser = argparse.ArgumentParser()
    audit.add_flags(parser)
    flags = [option for action in parser._actions for option in action.option_strings if option not in ("-h", "--help")]
    assert len(flags) > 4
    for flag in flags:
        assert f"| `{flag}" in PAGE, flag


def test_every_result_is_in_the_table() -> None:
    for outcome in OUTCOMES:
        assert f"| `{outcome}` |" in PAGE, outcome


def test_every_fate_of_a_vm_is_told() -> None:
    for vm_change in _FATES:
        assert vm_change in PAGE, vm_change


@pytest.mark.parametrize(
    "line", [line.strip() for line in PAGE.splitlines() if line.startswith(("$ vmconfig", "    vmconfig"))]
)
def test_every_call_on_the_page_is_one_that_the_command_takes(line: str) -> None:
    words = line.removeprefix("$ ").partition("#")[0].split()[1:]
    assert _parser().parse_args(words).run
