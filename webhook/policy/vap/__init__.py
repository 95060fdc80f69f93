"""Policies as ValidatingAdmissionPolicies: what the API server itself refuses while nobody answers its webhooks."""

from webhook.policy.vap.export import Export, Target, export, export_kubevirt
from webhook.policy.vap.kubevirt import ObjectParts

__all__ = ["Export", "ObjectParts", "Target", "export", "export_kubevirt"]
