"""The page about rule sets is true: its VMs are created on a real API server, and its commands print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.docs.pages import PART_IN_TEXT, ROOT, happened, run
from tests.e2e.service import Service
from webhook.rule_sets import NEWEST, RULE_SETS

PAGE = ROOT / "docs" / "rule-sets.md"


def test_the_page_is_what_happens(
    cluster: Cluster,
    service: Service,  # noqa: ARG001 - the service has to run
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[Path, str], None],
) -> None:
    cluster.kubectl("create", "namespace", "shop")
    config = cluster.kubeconfig()
    tool = tmp_path / "bin" / "kubectl"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {cluster.binary} kubectl --kubeconfig={config} "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("KUBECONFIG", str(config))
    text = PAGE.read_text()
    assert len(PART_IN_TEXT.findall(text)) > 6

    golden(
        PAGE,
        happened(
            text, PART_IN_TEXT, tmp_path, runs=lambda command: run(f"PATH={tool.parent}:$PATH; {command}", tmp_path)
        ),
    )


def test_every_rule_set_after_the_first_has_a_section_with_a_reason_and_a_source_for_each_change() -> None:
    text = PAGE.read_text()
    for rule_set in RULE_SETS[1:]:
        section = text.partition(f"## What {rule_set} changes\n")[2].partition("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
        assert rows
        assert all(len(row) == 5 and all(cell.strip(" |") for cell in row) for row in rows)
    assert NEWEST in text
