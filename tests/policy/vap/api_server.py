"""An API server without webhooks, under exported policies: what it says of a VM beside what the engine says."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cluster.cluster import Cluster
from tests.waiting import until
from webhook.declare import DeclaredField, inspect
from webhook.kinds import GROUP, KINDS, VERSION, VM, Kind, declared_fields
from webhook.kinds.crd import crds
from webhook.kinds.spec import spec_shape
from webhook.policy import Engine, Loaded, Loading, Request, load
from webhook.policy.engine.granted import losses
from webhook.policy.engine.submission import Submission, Update
from webhook.policy.vap import Target, export
from webhook.trees import Tree

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
LABEL = "vmconfig.kubevirt.io/enforce"
# Namespaces and the level that they name, if any.
NAMESPACES: Mapping[str, str | None] = {
    "plain": None,
    "odd": "sealed",
    "restricted": "restricted",
    "baseline": "baseline",
    "privileged": "privileged",
    "kube-system": None,
}
TARGETS = [Target(GROUP, VERSION, kind.plural, kind.name, kind.spec) for kind in KINDS.values()]
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who asks; all may do everything, so that only policies refuse."""

    name: str = "admin"
    groups: tuple[str, ...] = ()

    @property
    def headers(self) -> list[tuple[str, str]]:
        groups = [("Impersonate-Group", group) for group in (*self.groups, "system:masters")]
        return [] if self == User() else [("Impersonate-User", self.name), *groups]

    @property
    def seen(self) -> tuple[str, ...]:
        """The groups that the API server sees."""
        return (*self.groups, "system:masters", "system:authenticated")


ADMIN = User()


@dataclass
class Outage:
    """The API server, and the policies that are in force there."""

    cluster: Cluster
    client: httpx.Client
    labels: dict[str, dict[str, str]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Definitions and namespaces, as the chart would have left them."""
        for crd in crds():
            answer = self.client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=crd)
            assert answer.is_success, answer.text
        for kind in KINDS.values():
            until(lambda kind=kind: self.client.get(_url(kind, "default")).is_success, f"{kind.name} is not served")
        for name, level in NAMESPACES.items():
            self.namespace(name, {LABEL: level} if level else {})

    def namespace(self, name: str, labels: Mapping[str, str]) -> None:
        self.labels[name] = dict(labels)
        body = {"metadata": {"name": name, "labels": dict(labels)}}
        answer = self.client.post("/api/v1/namespaces", json=body)
        assert answer.is_success or answer.status_code == 409, answer.text

    def put(self, documents: Iterable[Tree]) -> None:
        """Replace all exported policies by these, and wait until every namespace is under them."""
        self.remove()
        mark = f"export {next(_numbers)}"
        for document in documents:
            marked = copy.deepcopy(document)
            for each in marked["spec"].get("validations", ()):
                each["messageExpression"] = f"'{mark}: ' + {each['messageExpression']}"
            until(lambda marked=marked: self._put(marked), f"{document['metadata']['name']} is not stored")
        for name in NAMESPACES:
            if name != "kube-system":
                self._wait(name, mark)

    def _put(self, document: Tree) -> bool:
        """Store a policy or binding; an API server gives up a request after half a minute, which is no refusal."""
        answer = self.client.post(f"{ADMISSION}/{_plural(document)}", json=document)
        # Another attempt may find what the one that was given up has stored after all.
        assert answer.is_success or answer.status_code in (409, 504), answer.text
        return answer.status_code != 504

    def remove(self) -> None:
        """Take all exported policies away, and wait until none is asked any more."""
        for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            assert self.client.delete(f"{ADMISSION}/{plural}").is_success
        for name in NAMESPACES:
            self._wait(name, "")

    def _wait(self, namespace: str, mark: str) -> None:
        """Until a policy with this mark refuses what every level refuses; without a mark, until none does."""

        def told() -> bool:
            said = self.ask({"domain": {"commandline": {"args": [{"value": "-S"}]}}}, namespace).message
            return mark in said if mark else not said

        until(told, f"{namespace} is not under {mark or 'no policy'}")

    def ask(self, spec: Tree, namespace: str, kind: Kind = VM, user: User = ADMIN) -> Answer:
        """A dry run of the creation of an object with this spec."""
        body = manifest(spec, kind)
        return self._answer(self.client.post(_url(kind, namespace), json=body, params=_DRY, headers=user.headers))

    def store(self, spec: Tree, namespace: str, kind: Kind = VM) -> Tree:
        """Store an object with this spec; the object's metadata."""
        body = manifest(spec, kind, f"vm-{next(_numbers)}")
        answer = self.client.post(_url(kind, namespace), json=body)
        assert answer.is_success, answer.text
        metadata: Tree = answer.json()["metadata"]
        return metadata

    def change(self, metadata: Tree, spec: Tree, kind: Kind = VM) -> Answer:
        """A dry run of the replacement of a stored object's spec."""
        url = f"{_url(kind, metadata['namespace'])}/{metadata['name']}"
        body = {**manifest(spec, kind), "metadata": metadata}
        return self._answer(self.client.put(url, json=body, params=_DRY))

    def _answer(self, answer: httpx.Response) -> Answer:
        return Answer(answer.is_success, "" if answer.is_success else answer.json()["message"])

    def request(self, namespace: str, user: User = ADMIN, operation: str = "CREATE") -> Request:
        """The same request as the engine is asked about it."""
        labels = {"kubernetes.io/metadata.name": namespace, **self.labels[namespace]}
        return Request(namespace, labels, user.name, user.seen, operation)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server says."""

    allowed: bool
    message: str

    @property
    def cut(self) -> bool:
        """Whether more is refused than a message can tell."""
        return self.message.endswith(" …")

    @property
    def refused(self) -> set[str]:
        """The refused paths, each with its class or rule; fails where something else than a policy refused."""
        if self.allowed:
            return set()
        found = re.search(r"denied request: export \d+: not allowed at the level \w+: (.*)$", self.message)
        assert found, self.message
        told = found[1].split("; ")
        return set(told[:-1] if self.cut else told)

    @property
    def paths(self) -> set[str]:
        return {each.rpartition(" (")[0] for each in self.refused}


_DRY = {"dryRun": "All"}


def manifest(spec: Tree, kind: Kind = VM, name: str = "asked") -> Tree:
    """An object of this kind."""
    body: Tree = spec
    for key in reversed(kind.spec):
        body = {key: body}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind.name, "metadata": {"name": name}, **body}


def _url(kind: Kind, namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{kind.plural}"


def _plural(document: Tree) -> str:
    kind = document["kind"]
    return "validatingadmissionpolicies" if kind.endswith("Policy") else f"{kind.lower()}s"


def loaded(policies: list[Tree], folder: Path, level: str = "restricted") -> Loaded:
    """Policies as a case writes them, beside the shipped ones."""
    shipped = Path(__file__).parents[3] / "policies"
    for each in shipped.glob("*/policy.yaml"):
        (folder / f"{each.parent.name}.yaml").write_text(each.read_text())
    head = {"apiVersion": "policy.vmconfig.kubevirt.io/v1", "kind": "Policy"}
    texts = yaml.safe_dump_all([{**head, **each} for each in policies], sort_keys=False)
    if policies:
        (folder / "site.yaml").write_text(f"{texts}...\n")
    return load(folder, Loading(declared_fields(), level))


def exported(from_: Loaded) -> list[Tree]:
    """The objects of an export that leaves nothing out."""
    made = export(from_, TARGETS, ["kube-system"])
    assert made.findings == []
    return made.documents


def judged(engine: Engine, spec: Tree, request: Request, stored: Tree | None = None, kind: Kind = VM) -> set[str]:
    """The paths that the engine refuses, with entries as the export names them: by key, or not at all.

    Without sums, which are the webhook's alone. What an update does not keep is told where it is stored.
    """
    sums = {rule.named for policy in engine.policies for rule in policy.rules if rule.selector.total}
    root = kind.spec_path
    marks, stored_marks = (
        inspect(each, spec_shape(), root).marks if each is not None else [] for each in (spec, stored)
    )
    # What an update does not keep is told below, where it is stored.
    decision = engine.decide(Submission(spec, marks, root, stored), request)
    told = {f"{root}.{_named(each.path[len(root) + 1 :], spec)}" for each in decision.findings if each.rule not in sums}
    if stored is None or request.operation != "UPDATE":
        return told
    frozen = all((each.get("abi") or {}).get("policy") != "latest" for each in (spec, stored))
    submission = Submission(spec, marks, root, stored, stored_marks, frozen)
    lost = losses(engine.rules_for(request).enforce, Update(submission, stored, engine.declared_fields))
    return told | {f"{root}.{_named(denial.path[len(root) + 1 :], stored)}" for denial, _ in lost}


def _named(path: str, spec: Tree) -> str:
    known: Mapping[str, DeclaredField] = declared_fields()
    value: Any = spec
    declared, shown = "", []
    for part in path.split("."):
        name, _, index = part.partition("[")
        declared = f"{declared}.{name}".removeprefix(".")
        value = value.get(name) if isinstance(value, dict) else None
        if index:
            declared += "[*]"
            shape = known[declared].field.shape
            value = value[int(index.removesuffix("]"))] if isinstance(value, list) else None
            name += f"[{value[shape.key]}]" if shape and shape.key and value else "[*]"
        shown.append(name)
    return ".".join(shown)
