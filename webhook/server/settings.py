"""What an operator can set, each by a flag of `vmconfig serve` or an environment variable. See docs/settings.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from webhook import machines
from webhook.admission.duplicates import parse
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.domain.os import ARCHITECTURES
from webhook.features.platform import Site
from webhook.findings import Finding
from webhook.rule_sets import NEWEST, RULE_SETS

PREFIX = "VMCONFIG_"


class Settings(BaseModel):
    """The settings of one service; a description each, which is the flag's help too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field("127.0.0.1:8443", description="address and port to listen on", pattern=r"^.+:[0-9]{1,5}$")
    policies: Path | None = Field(None, description="folder of policy files (default: the shipped ones)")
    default_level: Literal["restricted", "baseline", "privileged"] = Field(
        "restricted", description="the policy level of namespaces without a label"
    )
    policies_configmap: str = Field(
        "",
        description="NAMESPACE/NAME of the ConfigMap that the policies are mounted from, for Events about them",
        pattern=r"^$|^[^/]+/[^/]+$",
    )
    namespaces: Literal["watch", "none"] = Field(
        "none", description="watch: take each namespace's level from its labels; none: all have the default level"
    )
    kubevirt: Literal["off", "audit", "enforce"] = Field(
        "off", description="what becomes of KubeVirt's own virtual machines that the policies about them refuse"
    )
    kubevirt_namespace: str = Field(
        "kubevirt",
        description="the namespace of KubeVirt's service accounts",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    )
    kubevirt_hook: Path | None = Field(
        None, description="YAML file with the container that pods of KubeVirt's kept virtual machines get"
    )
    kubevirt_objects: Literal["watch", "none"] = Field(
        "none", description="watch: look KubeVirt's version, instance types and preferences up in the cluster"
    )
    kubevirt_hardware: Literal["noted", "none"] = Field(
        "none",
        description="noted: KubeVirt's virtual machines start through a hook, which is told their whole hardware",
    )
    sources: Literal["watch", "none"] = Field(
        "none",
        description="watch: follow stored objects, of which snapshots and restored machines are made; none: refuse",
    )
    access_reviews: Literal["on", "off"] = Field(
        "off",
        description="on: ask the API server what a user who restores may get of the references; off: policies alone",
    )
    duplicates: str = Field(
        "", description="FORM=ACTION@SCOPE, separated by commas: the identities that no two VMs shall have"
    )
    certs_dir: Path | None = Field(None, description="folder with tls.crt and tls.key, watched for changes")
    certs_secret: str = Field(
        "", description="NAMESPACE/NAME of the Secret that holds self-managed certificates", pattern=r"^$|^[^/]+/[^/]+$"
    )
    dns_names: tuple[str, ...] = Field((), description="names of the self-managed certificate, separated by commas")
    mutating_webhook: str = Field("", description="the MutatingWebhookConfiguration whose caBundle is kept up to date")
    validating_webhook: str = Field(
        "", description="the ValidatingWebhookConfiguration whose caBundle is kept up to date"
    )
    site: Path | None = Field(
        None, description="YAML file about the nodes: machines, nodeMachines, graphics, domainType, ruleSet"
    )
    body_limit: int = Field(3 * 1024 * 1024, description="the largest request body, in bytes", gt=0)
    connection_limit: int = Field(512, description="the most connections at once, of all callers together", gt=0)
    client_ca: Path | None = Field(
        None, description="PEM file of the CA whose certificates callers of webhooks need, watched for changes"
    )
    drain_seconds: float = Field(
        5, description="how long to go on serving after SIGTERM, while nobody sends new requests any more", ge=0
    )
    deadline: float = Field(
        2.5, description="how long a request's head, and then its body, may take to arrive, in seconds", gt=0
    )

    @field_validator("duplicates")
    @classmethod
    def _known(cls, value: str) -> str:
        parse(value)
        return value

    @property
    def needs_cluster(self) -> bool:
        """Whether anything that is set asks the API server."""
        followed = (
            "watch" in (self.namespaces, self.kubevirt_objects, self.sources)
            or self.access_reviews == "on"
            or bool(self.duplicates)
        )
        return followed or bool(self.policies_configmap or self.certs_secret)

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])


class SiteFile(BaseModel):
    """The site file: what every node of this cluster can run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machines: dict[str, str] = Field(default_factory=dict, description="versioned machine type by family")
    node_machines: dict[Literal[*ARCHITECTURES], frozenset[Annotated[str, Field(min_length=1)]]] = Field(  # type: ignore[valid-type]
        default_factory=dict, alias="nodeMachines", description="all machine types that the nodes have, by architecture"
    )
    graphics: Literal["", "vnc", "spice"] = Field("", description="the display where a VM says only `graphics: true`")
    domain_type: Literal["kvm", "qemu"] = Field("kvm", alias="domainType", description="kvm, or qemu without KVM")
    rule_set: str = Field("", alias="ruleSet", description="the rule set that counts as the newest here")

    @field_validator("rule_set")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in RULE_SETS:
            raise ValueError(f"`{shown(value)}` is no rule set of this release: {listed(RULE_SETS)}")
        return value


def read_site(path: Path | None) -> Site:
    """The site's facts; raises OSError, yaml.YAMLError, and ValueError with all that is wrong with them."""
    if path is None:
        return Site()
    try:
        read = SiteFile.model_validate(yaml.safe_load(path.read_text()) or {})
    except ValidationError as error:
        wrong = [_wrong(path, problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ValueError("\n".join(map(str, wrong))) from None
    wrong = list(_missing_machines(path, read))
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))
    return Site(read.machines, read.graphics, read.domain_type, read.node_machines, read.rule_set)


def read_container(path: Path | None) -> dict[str, Any] | None:
    """The container of a file, as a pod has it; raises OSError, yaml.YAMLError, and ValueError where it is none."""
    if path is None:
        return None
    read = yaml.safe_load(path.read_text())
    if type(read) is not dict or not all(type(read.get(name)) is str and read[name] for name in ("name", "image")):
        problem = "is no container: it has no `name` or no `image`"
        raise ValueError(str(Finding(path.name, problem, "write it as it stands in a pod", "settings")))
    return read


def _missing_machines(path: Path, read: SiteFile) -> Iterator[Finding]:
    """Machine types that new VMs would get, and that the nodes do not have."""
    for family, version in read.machines.items():
        for arch, known in read.node_machines.items():
            if version not in known and machines.find(arch, version, NEWEST) is not None:
                problem = f"`{version}` is not in `nodeMachines.{arch}`"
                yield Finding(f"{path.name}.machines.{family}", problem, "name one that the nodes have", "site")


def _wrong(path: Path, place: tuple[int | str, ...], problem: str) -> Finding:
    """What pydantic says of a site file; a file that is no mapping is named alone."""
    where = ".".join(map(str, (path.name, *place)))
    known = ", ".join(f"`{field.alias or name}`" for name, field in SiteFile.model_fields.items())
    return Finding(where, problem[:1].lower() + problem[1:], f"a site file has {known}: see docs/settings.md", "site")
