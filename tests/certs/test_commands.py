"""`python -m certs`: what people see and what scripts get."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.__main__ import main
from certs.bundle import render
from certs.store import Folder
from tests.certs.clients import START, first


def test_issue_makes_certificates_that_show_then_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "new")
    assert main(["issue", "--dir", folder, "--dns", "localhost", "--ip", "127.0.0.1", "::1"]) == 0
    assert "names     localhost, 127.0.0.1, ::1" in capsys.readouterr().out
    assert main(["show", "--dir", folder, "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["dns"], shown["ips"]) == (["localhost"], ["127.0.0.1", "::1"])
    assert 89 < shown["daysLeft"] <= 90
    assert len(shown["authorities"]) == 1
    assert datetime.fromisoformat(shown["expires"]) > datetime.now(UTC)


def test_issue_again_changes_nothing_unless_a_name_is_new(tmp_path: Path) -> None:
    issue = ["issue", "--dir", str(tmp_path), "--dns", "localhost"]
    main(issue)
    before = Folder(tmp_path).read()
    assert main(issue) == 0
    assert Folder(tmp_path).read() == before
    assert main([*issue, "--dns", "other"]) == 0
    after = Folder(tmp_path).read()
    assert after.files["ca.crt"] == before.files["ca.crt"]
    assert after.files["tls.crt"] != before.files["tls.crt"]


def test_show_of_an_expired_certificate_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Folder(tmp_path).write(render(first(START.replace(year=2020))), None)
    assert main(["show", "--dir", str(tmp_path)]) == 1
    assert "days left" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["show"], ["issue", "--dns", "localhost"]])
def test_a_folder_that_holds_something_else_exits_1_and_says_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    (tmp_path / "tls.crt").write_text("something")
    assert main([*verb, "--dir", str(tmp_path)]) == 1
    assert "`ca.key`, `ca.crt`" not in capsys.readouterr().err
    assert (tmp_path / "tls.crt").read_text() == "something"


def test_show_of_nothing_exits_1_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--dir", str(tmp_path)]) == 1
    assert "help: make some with `python -m certs issue`" in capsys.readouterr().err


def test_a_cluster_that_cannot_be_found_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kubeconfig = str(tmp_path / "none")
    assert main(["ensure", "--secret", "a/b", "--dns", "c", "--kubeconfig", kubeconfig]) == 1
    assert capsys.readouterr().err.startswith("certs: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["renew"],
        ["issue", "--dns", "localhost"],
        ["issue", "--dir", "d"],
        ["issue", "--dir", "d", "--dns", "a b"],
        ["issue", "--dir", "d", "--ip", "localhost"],
        ["ensure", "--secret", "no-namespace", "--dns", "a"],
        ["ensure", "--secret", "a/b"],
        ["show", "--dir", "d", "-o", "xml"],
    ],
)
def test_wrong_usage_exits_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_it_runs_as_a_module_and_does_without_the_kubernetes_client(tmp_path: Path) -> None:
    code = "import sys, certs.__main__, certs.serve; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    command = [sys.executable, "-m", "certs", "issue", "--dir", str(tmp_path / "d"), "--dns", "localhost"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
