"""KubeVirt's own API, `kubevirt.io/v1` and what goes with it: its kinds, the class of each field, what has to fit."""

from webhook.kubevirt.api.declarations import declared_fields
from webhook.kubevirt.api.kinds import KINDS, KubeVirtKind, kubevirt_kind
from webhook.kubevirt.api.marks import marks_of, told_of, without_other_bridges
from webhook.kubevirt.api.projection import ROOT, Projection, project
from webhook.kubevirt.api.words import MESSAGES

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
    "told_of",
    "without_other_bridges",
]
