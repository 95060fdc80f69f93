"""Policy files, all of them or nothing: the policies, a digest of what was read, and every finding.

Findings are at `FOLDER/FILE:LINE:COLUMN`. A mounted ConfigMap is read through its `..data` link at one moment; one that
is not mounted yet is read from its contents, with the same outcome.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from webhook.declare import DeclaredField
from webhook.findings import Finding, Refused
from webhook.policy.engine.engine import Engine, compile_policies, utc_today
from webhook.policy.language.model import API_VERSION, KIND, KUBEVIRT_KIND, LEVELS, Policy, PolicySet, Today
from webhook.policy.language.selection import classes_below
from webhook.policy.loading.budget import Budget, Exhausted
from webhook.policy.loading.completeness import missing_ends, missing_levels, set_differences
from webhook.policy.loading.document import LONGEST, Node, documents
from webhook.policy.loading.exceptions import check_exceptions, expired
from webhook.policy.loading.lint import idle_permits
from webhook.policy.loading.policy import is_kubevirt, is_policy, is_set, read, read_set
from webhook.policy.loading.reader import PolicyReader

SUITE = "suite.yaml"
# The folder beside a suite that holds the manifests of its cases.
CASES = "cases"
_DEEPEST = 8


Contents = Iterable[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Policies in force: ready for decisions, their SHA-256, notes, and their files."""

    engine: Engine
    digest: str
    notes: tuple[Finding, ...] = ()
    files: frozenset[str] = frozenset()
    # The file with the PolicySet, empty where there is none.
    set_file: str = ""
    # The policies about KubeVirt's own virtual machines, where those are read.
    kubevirt: Engine | None = None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All policies that were read, of either API."""
        return (*self.engine.policies, *(self.kubevirt.policies if self.kubevirt is not None else ()))


@dataclass(frozen=True, slots=True, eq=False)
class OtherApi:
    """Another API that policies of the same files are about: its declared fields, and the words about them."""

    declared_fields: Mapping[str, DeclaredField]
    words: Path


@dataclass(slots=True, eq=False)
class Parsed:
    """The policies of files, and all that is wrong with each of them."""

    policies: list[Policy] = field(default_factory=list)
    kubevirt: list[Policy] = field(default_factory=list)
    sets: list[PolicySet] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Loading:
    """One loading of a folder's files: with what, and within which budget; raises Refused for an unknown level.

    Without `levels` they need not all be there: for whoever looks at a part of what a service has. Without `kubevirt`
    policies about its virtual machines are passed over.
    """

    declared_fields: Mapping[str, DeclaredField]
    default_level: str = LEVELS[0]
    today: Today = utc_today
    budget: Budget = field(default_factory=Budget)
    levels: bool = True
    kubevirt: OtherApi | None = None

    def __post_init__(self) -> None:
        if self.default_level not in LEVELS:
            problem = f"`{self.default_level}` is no level"
            raise Refused([Finding("default level", problem, f"known: {', '.join(LEVELS)}")])


def load(folder: Path, loading: Loading) -> Loaded:
    """Everything that `folder` holds, or Refused with all that is wrong with it."""
    return _loaded(_name(folder), _files_of(folder), loading)


def load_contents(name: str, contents: Contents, loading: Loading) -> Loaded:
    """The same of the names and contents of a folder's files, such as a ConfigMap has before it is mounted."""
    files = ((f"{name}/{file}", content) for file, content in sorted(contents))
    return _loaded(name, files, loading)


def _loaded(folder: str, files: Contents, loading: Loading) -> Loaded:
    contents: list[tuple[str, bytes]] = []
    parsed = Parsed()
    try:
        _read(files, contents, parsed, loading)
        if not parsed.findings:
            parsed.findings += _together(folder, [file for file, _ in contents], parsed, loading)
    except Exhausted as exhausted:
        parsed.findings.append(exhausted.finding)
    except OSError as error:
        place = folder if error.filename is None else Path(error.filename).name
        no_folder = place == folder and isinstance(error, FileNotFoundError | NotADirectoryError)
        way = "name a folder of policy files" if no_folder else "put there what this process can read, or remove it"
        parsed.findings.append(Finding(place, f"cannot be read: {error.strerror}", way, "policy"))
    if parsed.findings:
        raise Refused(parsed.findings)
    return Loaded(
        compile_policies(
            parsed.policies, loading.declared_fields, loading.default_level, loading.today, loading.budget.rest
        ),
        digest_of(contents),
        tuple(_notes(parsed, loading)),
        frozenset(file for file, _ in contents),
        parsed.sets[0].file if parsed.sets else "",
        _about_kubevirt(parsed.kubevirt, loading),
    )


def _notes(parsed: Parsed, loading: Loading) -> Iterator[Finding]:
    """What is reported, and no reason to refuse the policies."""
    yield from expired([*parsed.policies, *parsed.kubevirt], loading.today())
    if loading.levels:  # where only a part is there, what is denied may be elsewhere
        budget, fields = loading.budget, loading.declared_fields
        classes = budget.once(f"classes {id(fields)}", lambda: classes_below(fields, budget.rest))
        yield from idle_permits(parsed.policies, classes)


def _about_kubevirt(policies: list[Policy], loading: Loading) -> Engine | None:
    api = loading.kubevirt
    if api is None:
        return None
    made = compile_policies(policies, api.declared_fields, loading.default_level, loading.today, loading.budget.rest)
    made.words = api.words
    if made.of_stated is not None:
        made.of_stated.words = api.words
    return made


def _read(files: Contents, contents: list[tuple[str, bytes]], parsed: Parsed, loading: Loading) -> None:
    """Read file after file, and what is wrong with each."""
    for file, content in files:
        loading.budget.rest()
        if _wanted(file, parsed.findings):
            loading.budget.spend("files", f"{file}:1:1")
            loading.budget.spend("bytes", f"{file}:1:1", len(content))
            contents.append((file, content))
            parse_into(parsed, content, file, loading)


def _together(folder: str, files: list[str], parsed: Parsed, loading: Loading) -> list[Finding]:
    """What is wrong with the files together, though with none alone."""
    if not parsed.policies and not parsed.kubevirt:
        return [Finding(folder, "holds no policy", "put at least one policy file there", "policy")]
    findings = [
        *check(parsed.policies, loading.declared_fields, loading.budget),
        *set_differences(parsed.sets, files, loading.budget),
    ]
    if loading.kubevirt is not None:
        findings += check(parsed.kubevirt, loading.kubevirt.declared_fields, loading.budget)
        findings += _never_decide(parsed.kubevirt)
    if not loading.levels:
        return findings
    findings += missing_levels(folder, parsed.policies)
    return findings + (missing_levels(folder, parsed.kubevirt, KUBEVIRT_KIND) if parsed.kubevirt else [])


def _never_decide(policies: list[Policy]) -> Iterator[Finding]:
    """Rules about what a requester writes of an object that nobody completes: all of it is what was written."""
    for policy in policies:
        for rule in policy.rules:
            if rule.stated:
                problem = f"rule `{rule.id}` has `stated`, which is known of our own VMs alone"
                yield Finding(
                    policy.place, problem, "leave the condition out: it is about all that is written", "policy"
                )


def parse(
    content: bytes, file: str, declared_fields: Mapping[str, DeclaredField]
) -> tuple[list[Policy], list[Finding]]:
    """The policies of one file, and all that is wrong with it."""
    parsed = Parsed()
    try:
        parse_into(parsed, content, file, Loading(declared_fields))
    except Exhausted as exhausted:
        parsed.findings.append(exhausted.finding)
    return parsed.policies, parsed.findings


def parse_into(parsed: Parsed, content: bytes, file: str, loading: Loading) -> None:
    """Add the policies of one file, and all that is wrong with it by its lines; raises Exhausted."""
    before, budget = len(parsed.findings), loading.budget
    try:
        for node in _policy_documents(parsed, content, file, budget):
            budget.spend("documents", f"{file}:{node.line}:{node.column}")
            _read_into(parsed, node, file, loading)
    finally:
        parsed.findings[before:] = sorted(parsed.findings[before:], key=_line)


def _policy_documents(parsed: Parsed, content: bytes, file: str, budget: Budget) -> list[Node]:
    """The documents of a file that are to be read; of one that is no policy, as a Secret, nothing is shown."""
    made, broken = documents(content, file, budget)
    kept = [each for each in made if each.node.value is not None or each.findings]
    own = [each for each in kept if is_policy(each.node)]
    findings = [*broken, *(_no_policy(each.node, file) for each in kept if not is_policy(each.node))]
    if not kept and not broken:
        findings.append(Finding(f"{file}:1:1", "holds no policy", "write one, or remove the file", "policy"))
    elif not findings:
        findings = missing_ends(made, content, file)
    wrong = [finding for each in own for finding in each.findings]
    parsed.findings += findings + wrong
    return [] if wrong or broken else [each.node for each in own]


def _read_into(parsed: Parsed, node: Node, file: str, loading: Loading) -> None:
    foreign = is_kubevirt(node)
    if foreign and loading.kubevirt is None:
        return
    apis = {KIND: loading.declared_fields}
    if loading.kubevirt is not None:
        apis[KUBEVIRT_KIND] = loading.kubevirt.declared_fields
    fields = apis.pop(KUBEVIRT_KIND if foreign else KIND)
    reader = PolicyReader(file, fields, loading.budget, elsewhere=apis)
    try:
        if is_set(node):
            parsed.sets.append(read_set(node, reader))
        elif foreign:
            parsed.kubevirt.append(read(node, reader))
        else:
            parsed.policies.append(read(node, reader))
    finally:
        parsed.findings += reader.findings


def _no_policy(node: Node, file: str) -> Finding:
    way = f"write `apiVersion: {API_VERSION}` at the beginning of a policy, or move the file elsewhere"
    return Finding(f"{file}:{node.line}:{node.column}", "is no policy, and is not shown", way, "policy")


def _line(finding: Finding) -> tuple[int, ...]:
    return tuple(int(part) for part in finding.path.split(":")[-2:])


def check(
    policies: list[Policy], declared_fields: Mapping[str, DeclaredField], budget: Budget | None = None
) -> list[Finding]:
    """What is wrong with the policies together, though with none alone."""
    findings = []
    seen: dict[str, Policy] = {}
    # Those of levels first: of a shipped one and an admin's own it is the own one that gets another name.
    for policy in sorted(policies, key=lambda each: not each.level):
        if policy.name in seen:
            problem = f"policy `{policy.name}` is there already, in {seen[policy.name].where}"
            findings.append(Finding(policy.place, problem, "give each policy a name of its own", "policy"))
        seen.setdefault(policy.name, policy)
    return findings + check_exceptions(policies, declared_fields, budget or Budget())


def digest_of(contents: list[tuple[str, bytes]]) -> str:
    """One SHA-256 over names below the folder and contents; the folder's own name does not count."""
    import hashlib  # what expands without policies starts without it

    total = hashlib.sha256()
    for file, content in contents:
        name = file.partition("/")[2].encode()
        total.update(b"%d:%s%d:" % (len(name), name, len(content)))
        total.update(content)
    return total.hexdigest()


def shipped() -> Path:
    """The levels that come with the service: beside the code in a wheel, at the top of a checkout."""
    packaged = Path(__file__).parents[1] / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "policies"


def _files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file's name as findings show it and its bytes, in the order of their names; raises OSError."""
    for name, path in _files(folder, _name(folder), 0):
        yield name, _content(path) if path.suffix == ".yaml" else b""


def _name(folder: Path) -> str:
    """What findings call the folder. Path.resolve raises where links lead back to themselves."""
    return Path(os.path.realpath(folder)).name.encode(errors="backslashreplace").decode()


def _content(path: Path) -> bytes:
    """A file's beginning, one byte more than it may have; raises OSError. A pipe is not waited for."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return file.read(LONGEST + 1)


def _wanted(shown: str, findings: list[Finding]) -> bool:
    """Whether a file of this name holds policies; a finding where its name suggests that it does."""
    path = PurePath(shown)
    if path.name.startswith("."):
        return False
    if path.suffix in (".yml", ".json"):
        findings.append(Finding(shown, "is not read", "name it `.yaml`, or move it elsewhere", "policy"))
    return path.suffix == ".yaml" and path.name != SUITE


def _files(folder: Path, shown: str, depth: int) -> Iterator[tuple[str, Path]]:
    """Every file, and what is called like one that holds policies and is none; raises OSError."""
    data = folder / "..data"
    entries = (Path(os.path.realpath(data)) if data.exists() else folder).iterdir()
    for entry in sorted(entries, key=lambda path: path.name):
        if entry.name.startswith(".") or (entry.name == CASES and (folder / SUITE).exists()):
            continue
        name = f"{shown}/{_decoded(entry.name)}"
        if entry.is_dir() and not entry.is_symlink():
            if depth >= _DEEPEST:
                raise OSError(errno.ELOOP, f"folders are nested deeper than {_DEEPEST}", str(entry))
            yield from _files(entry, name, depth + 1)
        elif entry.is_file() or entry.suffix == ".yaml":
            yield name, entry


def _decoded(name: str) -> str:
    """The name of a file, which is shown and hashed; raises OSError where it is no text."""
    if name.isprintable():
        return name
    told = name.encode("unicode_escape").decode()
    raise OSError(errno.EILSEQ, "its name has characters that cannot be shown", told)
