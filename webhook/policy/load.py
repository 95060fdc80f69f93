"""Policy files, all of them or nothing: the policies, a digest of what was read, and every finding.

Findings are at `FOLDER/FILE:LINE:COLUMN`. A mounted ConfigMap is read through its `..data` link at one moment; one that
is not mounted yet is read from its contents, with the same outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from webhook.declare import Place
from webhook.findings import Finding, Refused
from webhook.policy.document import LONGEST, documents
from webhook.policy.engine import Engine, compile_policies, utc_today
from webhook.policy.exceptions import check_exceptions, expired
from webhook.policy.model import LEVELS, Policy, Today
from webhook.policy.read import read

SUITE = "suite.yaml"
# The folder beside a suite that holds the manifests of its cases.
CASES = "cases"
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Loaded:
    """Policies in force: ready for decisions, their SHA-256, and what is worth saying of them."""

    engine: Engine
    digest: str
    notes: tuple[Finding, ...] = ()


def load(folder: Path, places: Mapping[str, Place], default_level: str = LEVELS[0], today: Today = utc_today) -> Loaded:
    """Everything that `folder` holds, or Refused with all that is wrong with it."""
    contents, findings = _contents(folder)
    return _loaded(folder.resolve().name, contents, findings, places, default_level, today)


def load_contents(
    name: str,
    contents: Iterable[tuple[str, bytes]],
    places: Mapping[str, Place],
    default_level: str = LEVELS[0],
    today: Today = utc_today,
) -> Loaded:
    """The same of the names and contents of a folder's files, such as a ConfigMap has before it is mounted."""
    kept: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    for file, content in sorted(contents):
        if _wanted(file, f"{name}/{file}", findings):
            kept.append((f"{name}/{file}", content))
    return _loaded(name, kept, findings, places, default_level, today)


def _loaded(
    folder: str,
    contents: list[tuple[str, bytes]],
    findings: list[Finding],
    places: Mapping[str, Place],
    default_level: str,
    today: Today,
) -> Loaded:
    if default_level not in LEVELS:
        raise Refused([Finding("default level", f"`{default_level}` is no level", f"known: {', '.join(LEVELS)}")])
    policies: list[Policy] = []
    for file, content in contents:
        made, wrong = parse(content, file, places)
        policies += made
        findings += wrong
    if not findings:
        findings = check(policies, places)
    if not policies and not findings:
        findings = [Finding(folder, "holds no policy", "put at least one policy file there", "policy")]
    if findings:
        raise Refused(findings)
    engine = compile_policies(policies, places, default_level, today)
    return Loaded(engine, digest_of(contents), tuple(expired(policies, today())))


def parse(content: bytes, file: str, places: Mapping[str, Place]) -> tuple[list[Policy], list[Finding]]:
    """The policies of one file, and all that is wrong with it."""
    nodes, findings = documents(content, file)
    if findings:
        return [], findings
    read_all = [read(node, file, places) for node in nodes]
    return [policy for policy, _ in read_all], [finding for _, found in read_all for finding in found]


def check(policies: list[Policy], places: Mapping[str, Place]) -> list[Finding]:
    """What is wrong with policies only together."""
    findings = []
    seen: dict[str, Policy] = {}
    for policy in policies:
        if policy.name in seen:
            problem = f"policy `{policy.name}` is there already, in {seen[policy.name].where}"
            findings.append(Finding(policy.place, problem, "give each policy a name of its own", "policy"))
        seen.setdefault(policy.name, policy)
    return findings + check_exceptions(policies, places)


def digest_of(contents: list[tuple[str, bytes]]) -> str:
    """One SHA-256 over names below the folder and contents; the folder's own name does not count."""
    total = hashlib.sha256()
    for file, content in contents:
        name = file.partition("/")[2].encode()
        total.update(b"%d:%s%d:" % (len(name), name, len(content)))
        total.update(content)
    return total.hexdigest()


def shipped() -> Path:
    """The levels that come with the service: beside the code in a wheel, at the top of a checkout."""
    packaged = Path(__file__).parent / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "policies"


def _contents(folder: Path) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Every policy file's name as findings show it and its bytes, in the order of their names."""
    contents: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    try:
        for name, path in _files(folder, folder.resolve().name, 0):
            if _wanted(path.name, name, findings):
                with path.open("rb") as file:
                    contents.append((name, file.read(LONGEST + 1)))
    except OSError as error:
        place = folder.name if error.filename is None else Path(error.filename).name
        findings.append(Finding(place, f"cannot be read: {error.strerror}", "", "policy"))
    return contents, findings


def _wanted(file: str, shown: str, findings: list[Finding]) -> bool:
    """Whether a file of this name holds policies; a finding where somebody may think that it does."""
    suffix = PurePath(file).suffix
    if file.startswith("."):
        return False
    if suffix in (".yml", ".json"):
        findings.append(Finding(shown, "is not read", "name it `.yaml`, or move it elsewhere", "policy"))
    return suffix == ".yaml" and file != SUITE


def _files(folder: Path, shown: str, depth: int) -> Iterator[tuple[str, Path]]:
    data = folder / "..data"
    for entry in sorted((data.resolve() if data.exists() else folder).iterdir(), key=lambda path: path.name):
        name = f"{shown}/{entry.name}"
        if entry.name.startswith(".") or (entry.name == CASES and (folder / SUITE).exists()):
            continue
        if entry.is_dir() and not entry.is_symlink() and depth < _DEEPEST:
            yield from _files(entry, name, depth + 1)
        elif entry.is_file():
            yield name, entry
