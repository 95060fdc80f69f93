"""Settings: by flag, by environment, each documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhook.cli import _parser
from webhook.cli.serve import read
from webhook.findings import Refused
from webhook.server.settings import PREFIX, Settings, read_site

DOCS = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def test_every_setting_is_documented_with_its_flag_and_variable() -> None:
    for name in Settings.model_fields:
        flag = "--dns-name" if name == "dns_names" else f"--{name.replace('_', '-')}"
        assert f"`{flag}`" in DOCS, flag
        assert f"`{PREFIX}{name.upper()}`" in DOCS, name


def test_a_flag_beats_the_environment_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(_parser().parse_args(["serve"])).body_limit == 3 * 1024 * 1024
    monkeypatch.setenv("VMCONFIG_BODY_LIMIT", "2000")
    assert read(_parser().parse_args(["serve"])).body_limit == 2000
    assert read(_parser().parse_args(["serve", "--body-limit", "3000"])).body_limit == 3000


def test_names_of_the_certificate_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(_parser().parse_args(["serve", "--dns-name", "a", "--dns-name", "b"])).dns_names == ("a", "b")
    monkeypatch.setenv("VMCONFIG_DNS_NAMES", "c,d")
    assert read(_parser().parse_args(["serve"])).dns_names == ("c", "d")


def test_all_wrong_settings_are_told_at_once() -> None:
    given = _parser().parse_args(["serve", "--listen", "x", "--body-limit", "-1", "--default-level", "y"])
    with pytest.raises(Refused) as refused:
        read(given)
    assert {finding.path for finding in refused.value.findings} == {"--listen", "--body-limit", "--default-level"}


def test_a_site_file_says_what_the_nodes_run(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text('machines: {q35: pc-q35-8.2}\ngraphics: vnc\ndomainType: qemu\nruleSet: "2026.1"\n')
    site = read_site(file)
    assert (dict(site.machines), site.graphics, site.domain_type) == ({"q35": "pc-q35-8.2"}, "vnc", "qemu")
    assert site.rule_set == "2026.1"


def test_a_default_machine_that_the_nodes_lack_is_refused_and_another_architectures_is_not(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    nodes = "nodeMachines: {x86_64: [pc-q35-8.2]}\n"
    file.write_text("machines: {q35: pc-q35-9.0, i440fx: pc-i440fx-9.0, virt: virt-9.0}\n" + nodes)
    with pytest.raises(ValueError, match=r"machines\.q35: `pc-q35-9\.0` is not in `nodeMachines\.x86_64`") as refused:
        read_site(file)
    assert "machines.i440fx" in str(refused.value)
    assert "machines.virt" not in str(refused.value)
    file.write_text("machines: {q35: pc-q35-8.2, virt: virt-9.0}\n" + nodes)
    assert read_site(file).node_machines == {"x86_64": frozenset({"pc-q35-8.2"})}


@pytest.mark.parametrize("nodes", ["{amd64: [pc-q35-8.2]}", "[pc-q35-8.2]", "{x86_64: pc-q35-8.2}", "{x86_64: ['']}"])
def test_a_list_of_machines_is_by_architecture(nodes: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"nodeMachines: {nodes}\n")
    with pytest.raises(ValueError, match="nodeMachines"):
        read_site(file)


def test_a_site_names_no_rule_set_that_the_release_does_not_have(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("ruleSet: '1999.9'\n")
    with pytest.raises(ValueError, match=r"site\.yaml\.ruleSet: .*`1999\.9` is no rule set of this release"):
        read_site(file)
