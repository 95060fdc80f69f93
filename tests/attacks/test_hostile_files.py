"""What YAML can say and JSON cannot, through the command line: read strictly, refused like all else, never run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.attacks.attack_cases import Case, cases
from webhook.cli import main

FILES = [case for case in cases() if case.yaml]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.id)
def test_a_file_means_what_it_says_or_is_refused(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "vm.yaml"
    file.write_text(case.yaml)
    code = main(["check", str(file), "-o", "json"])
    said = json.loads(capsys.readouterr().out)
    # A problem of the file itself stands at its line and column.
    place = re.compile(f"^{re.escape(str(file))}(:[0-9]+)*$")
    assert {(place.sub("FILE", each["path"]), each["rule"].split(" ")[0]) for each in said} == case.refused
    assert code == (1 if case.is_attack else 0)
