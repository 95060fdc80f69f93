"""Policies as ValidatingAdmissionPolicies: what the API server itself refuses while nobody answers its webhooks."""

from webhook.policy.vap.export import Export, Target, export

__all__ = ["Export", "Target", "export"]
