"""Volumes that set a guest up, as seeds. What a VM has of it in clear goes into a Secret, made beside the VM."""

from __future__ import annotations

from webhook.convert.converted import Converted
from webhook.convert.ledger import Keys, Ledger
from webhook.declare import shown
from webhook.domain.names import label
from webhook.trees import Tree

DATASOURCES = {"cloudInitNoCloud": "NoCloud", "cloudInitConfigDrive": "ConfigDrive"}
# The keys of KubeVirt's Secrets; where they are is the same for both.
USER_DATA, NETWORK_DATA = "userdata", "networkdata"


def carry(ledger: Ledger, spec: Tree, metadata: Tree, made: Converted) -> list[Tree]:
    """The entries of `spec.features.seed`, and the Secrets that they need and that there are not yet."""
    seeds, secrets = [], []
    for index in range(ledger.count("volumes")):
        at = ("volumes", index)
        volume = ledger.says(*at, "name")
        if type(volume) is not str:
            continue
        found: Tree | None = None
        for source, datasource in DATASOURCES.items():
            if ledger.has(*at, source):
                found, secret = _cloud_init(ledger, (*at, source), f"{metadata['name']}-{volume}", made)
                if found is not None and datasource != "NoCloud":
                    found["datasource"] = datasource
                if secret:
                    secrets.append({**secret, "metadata": _beside(metadata, secret)})
        if ledger.has(*at, "sysprep"):
            found = _sysprep(ledger, (*at, "sysprep"))
        if found is not None:
            seeds.append(_with_drive(found, volume, spec))
            ledger.take(*at, "name")
    if seeds:
        spec["features"]["seed"] = seeds
    return secrets


def _beside(metadata: Tree, secret: Tree) -> Tree:
    named: Tree = {"name": secret["metadata"]["name"]}
    return {**named, "namespace": metadata["namespace"]} if type(metadata.get("namespace")) is str else named


def _cloud_init(ledger: Ledger, at: Keys, name: str, made: Converted) -> tuple[Tree | None, Tree | None]:
    """The seed, and the Secret of what stands in clear."""
    place = "spec.template.spec." + "".join(f"[{key}]" if type(key) is int else f".{key}" for key in at).lstrip(".")
    user, network = ledger.text(*at, "secretRef", "name"), ledger.text(*at, "networkDataSecretRef", "name")
    clear: Tree = {}
    for key, field in ((USER_DATA, "userData"), (NETWORK_DATA, "networkData")):
        plain, coded = ledger.text(*at, field), ledger.text(*at, f"{field}Base64")
        if plain:
            clear.setdefault("stringData", {})[key] = plain
        elif coded:
            clear.setdefault("data", {})[key] = coded
    ledger.empty(*at)
    named = user or network
    if named and (clear or (network and network != named)):
        way = f"put all of it into one Secret (keys `{USER_DATA}` and `{NETWORK_DATA}`), and name it in `secretRef`"
        made.lose(place, "is made of several sources, and a seed of one", way)
    if named:
        return {"type": "cloud-init", "secret": named}, None
    if not clear:
        return None, None
    problem = f"has its content in clear: it is in the Secret `{shown(name, 253)}` now, which is printed beside the VM"
    made.tell(place, problem)
    return (
        {"type": "cloud-init", "secret": name},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque", **clear},
    )


def _sysprep(ledger: Ledger, at: Keys) -> Tree | None:
    for field in ("secret", "configMap"):
        name = ledger.text(*at, field, "name")
        if name:
            return {"type": "sysprep", field: name}
    return None


def _with_drive(seed: Tree, volume: str, spec: Tree) -> Tree:
    """The seed as the drive that has its volume, at its place and bus."""
    storage = spec["features"]["storage"]
    drive = next((each for each in storage if each["volume"] == volume), None)
    if drive is None:
        return {"name": label(volume), **seed}
    storage.remove(drive)
    listed = spec["domain"]["devices"].setdefault("disks", [])
    own = next((each for each in listed if each["name"] == drive["name"]), None)
    if own is None:
        own = {"name": drive["name"]}
        listed.append(own)
    own |= {"device": drive["type"], "readonly": drive["type"] == "cdrom" or drive.get("readonly", False)}
    if "interface" in drive:
        bus = "scsi" if drive["interface"] == "virtio-scsi" else drive["interface"]
        own["target"] = {**own.get("target", {}), "bus": bus}
    own |= {key: drive[key] for key in ("bootOrder", "serial") if key in drive}
    return {"name": drive["name"], **seed}
