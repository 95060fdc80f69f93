"""Checks that nothing of the policies is missing: the end of a file, a level, a file that a PolicySet names.

Fewer rules are no mistake that is found otherwise: a full disk cuts a file short, or a copy leaves a file out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from webhook.declare import shown
from webhook.declare.nearest import closest
from webhook.findings import Finding
from webhook.policy.language.model import KIND, KUBEVIRT_KIND, LEVELS, Policy, PolicySet
from webhook.policy.loading.budget import Budget
from webhook.policy.loading.document import Document

if TYPE_CHECKING:
    from webhook.policy.loading.load import Loaded

# YAML's own mark of a document's end (yaml.org/spec/1.2.2, 9.1.2): what stands behind it is another document.
END = "..."
_WORDS = {KIND: "policy", KUBEVIRT_KIND: KUBEVIRT_KIND}
# Names among which a nearest one is looked for.
_NEAR = 1000


def missing_ends(documents: Sequence[Document], content: bytes, file: str) -> list[Finding]:
    """A file whose last line is not `...`, or with `...` before its end."""
    *before, last = documents
    findings = [
        Finding(f"{file}:{each.end}:1", f"ends with `{END}` before its end", "keep the one in the last line", "policy")
        for each in before
        if each.end
    ]
    if not last.end:
        line = content.count(b"\n") + (not content.endswith(b"\n"))
        way = f"if the file is whole, write `{END}` as its last line"
        findings.append(Finding(f"{file}:{line}:1", f"does not end with `{END}`: it may have been cut", way, "policy"))
    return findings


def missing_levels(folder: str, policies: Iterable[Policy], kind: str = KIND) -> list[Finding]:
    """Levels that namespaces can choose and no policy of a kind is about."""
    there = {policy.level for policy in policies}
    way = "copy the one that ships with vmconfig, or write `level: {}` in a policy of your own"
    return [
        Finding(folder, f"no {_WORDS[kind]} is about the level `{level}`", way.format(level), "policy")
        for level in LEVELS
        if level not in there
    ]


def set_differences(sets: Sequence[PolicySet], files: Iterable[str], budget: Budget) -> Iterator[Finding]:
    """Where the files of a folder (`FOLDER/FILE`) are not those that its PolicySet names; raises Exhausted."""
    for each in sets[1:]:
        yield Finding(each.place, f"is a second PolicySet, the first is in {sets[0].where}", "keep one", "policy")
    if not sets:
        return
    named, own = set(sets[0].files), sets[0].file
    folder = own.partition("/")[0]
    there = {file.removeprefix(f"{folder}/") for file in files}
    for file in sorted(named - there):
        budget.spend("findings", sets[0].place)
        near = closest(file, islice(sorted(there), _NEAR), longest=128) if budget.suggests() else ""
        way = f"did you mean `{near}`? " if near else ""
        way += "put it back, or take its name away where it shall go"
        yield Finding(sets[0].place, f"names the file `{shown(file, 256)}`, which is missing", way, "policy")
    for file in sorted(there - named - {own.removeprefix(f"{folder}/")}):
        yield Finding(f"{folder}/{file}", f"is not named in {sets[0].where}", "name it under `files`", "policy")


def missing_files(before: Loaded, now: Loaded) -> list[Finding]:
    """Policies in force that are missing together with their file, where no PolicySet leaves the file out.

    A policy that is gone from a file which is there was removed on purpose: the file is complete.
    """
    if now.set_file:
        return []
    way = "put it back; where it shall go, name the files that stay in a document of `kind: PolicySet`, under `files`"
    kept = {policy.name for policy in now.policies}
    gone: dict[str, list[str]] = {}
    for policy in before.policies:
        if policy.name not in kept and policy.file not in now.files:
            gone.setdefault(policy.file, []).append(f"policy `{policy.name}`")
    if before.set_file and before.set_file not in now.files:
        gone.setdefault(before.set_file, []).append("the PolicySet")
    return [
        Finding(file, f"is missing, and of it is in force: {', '.join(names)}", way, "policy")
        for file, names in sorted(gone.items())
    ]
