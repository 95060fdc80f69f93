"""KubeVirt's own API, `kubevirt.io/v1` and what goes with it: its kinds, the class of each field, what has to fit."""

from webhook.kubevirt.declarations import declared_fields
from webhook.kubevirt.kinds import KINDS, KubeVirtKind, kubevirt_kind
from webhook.kubevirt.marks import marks_of
from webhook.kubevirt.projection import ROOT, Projection, project
from webhook.kubevirt.words import MESSAGES

__all__ = [
    "KINDS",
    "MESSAGES",
    "ROOT",
    "KubeVirtKind",
    "Projection",
    "declared_fields",
    "kubevirt_kind",
    "marks_of",
    "project",
]
