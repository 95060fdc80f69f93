"""What YAML makes of words: told in the user's words, with how to write what he meant; and what it may make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.cli.test_cli import vmconfig
from webhook.cli import files
from webhook.cli.yaml_output import written
from webhook.findings import Refused

WORDS: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text())


def _manifest(field: str, value: str) -> str:
    lines = ["apiVersion: kubevirt.io/v1alpha1", "kind: VM", "metadata: {name: web-1}", "spec:", "  domain:"]
    names = field.split(".")
    lines += [f"{'  ' * (depth + 2)}{name}:" for depth, name in enumerate(names)]
    return "\n".join(lines) + f" {value}\n"


def _found(text: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = orjson.loads(vmconfig("check", "-", "-o", "json", text=text).stdout)
    return found


@pytest.mark.parametrize("case", WORDS, ids=lambda case: case["title"])
def test_a_word_that_is_not_what_it_seems_is_named_as_what_it_is(case: dict[str, str]) -> None:
    said = [each for each in _found(_manifest(case["field"], case["value"])) if each["rule"] == "shape"]
    assert [each["path"] for each in said] == [f"spec.domain.{case['field']}"]
    assert case["says"] in said[0]["problem"]
    assert said[0]["help"]
    assert case.get("help", said[0]["help"]) == said[0]["help"]


@pytest.mark.parametrize("case", [case for case in WORDS if "quotes" in case.get("help", "")], ids=lambda c: c["title"])
def test_the_way_out_followed_leads_to_a_text(case: dict[str, str]) -> None:
    word = case["value"].split(" ")[-1]
    assert [each for each in _found(_manifest("title", f'"{word}"')) if each["rule"] == "shape"] == []


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("070", 56), ("1_000", 1000), ("2026-01-01", "2026-01-01")])
def test_what_kubectl_reads_alike_is_read(word: str, value: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"a: {word}\nb: !!str {word}\n")
    assert files.read(str(file)) == [{"a": value, "b": word}]


def test_what_json_does_not_have_is_refused_outside_of_a_spec_too() -> None:
    text = _manifest("title", "web").replace(
        "{name: web-1}", "{name: web-1, labels: {at: 12:30}, annotations: {x: !!set {a}}}"
    )
    assert {each["path"] for each in _found(text)} == {"metadata.labels.at", "metadata.annotations.x"}
    head = "apiVersion: kubevirt.io/v1alpha1\nkind: VirtualMachineConfig\n"
    template = head + "spec: {template: {metadata: {name: 1:30}, spec: {domain: {title: 1:30}}}}\n"
    assert [each["path"] for each in _found(template)] == ["spec.template.metadata.name"]


@pytest.mark.parametrize("word", ["9" * 5000, "-" + "9" * 5000])
def test_a_number_that_is_too_long_to_be_read_is_told_as_one(word: str) -> None:
    done = vmconfig(
        "check", "-", text=f"apiVersion: kubevirt.io/v1alpha1\nkind: VM\nspec: {{features: {{memory: {word}}}}}"
    )
    assert done.returncode == 1
    assert f"-:3:27: is a number of {len(word)} digits, which nothing takes" in done.stderr + done.stdout


def test_bytes_that_are_no_text_are_told_by_their_place(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"passwd: hunter2\xff\n")
    with pytest.raises(Refused) as refused:
        files.read(str(file))
    assert "does not take, at 15" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_an_unexpected_error_of_the_command_tells_where_and_not_of_what(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2"

    def broken(*_: object) -> None:
        raise KeyError(secret)

    monkeypatch.setattr(files, "documents", broken)
    done = vmconfig("check", "-")
    assert done.returncode == 2
    assert "unexpected error" in done.stderr
    assert "in broken" in done.stderr
    assert "KeyError: (its text" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("text", ["6115e31", "1e3", "1E5", "-1e5", "1.5e3", ".5e1", "12e03456789012345678"])
def test_a_text_that_is_a_number_with_an_exponent_to_kubectl_is_written_in_quotes(text: str) -> None:
    """Such as a serial number of digits and one `e`."""
    assert written([{"serial": text}]) == f"serial: '{text}'\n"
    assert yaml.safe_load(written([{"serial": text}])) == {"serial": text}


@pytest.mark.parametrize("text", ["6115e31f", "e31", "1e", "a1e3", "1e3-"])
def test_a_text_that_only_looks_like_one_is_written_as_it_is(text: str) -> None:
    assert written([{"serial": text}]) == f"serial: {text}\n"


def test_a_number_is_written_without_quotes() -> None:
    assert written([{"a": 1, "b": 1.5, "c": 1e20}]) == "a: 1\nb: 1.5\nc: 1.0e+20\n"
