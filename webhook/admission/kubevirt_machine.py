"""The mutating webhook for KubeVirt's VirtualMachines: the machine of each stays what it is.

It completes, restores and warns; what policies say of such a VM is not decided here.
"""

from __future__ import annotations

from dataclasses import replace

from webhook.admission.context import AdmissionContext
from webhook.admission.patch import diff
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.findings import Findings
from webhook.kubevirt.keeping.freeze import freeze

_KIND, _VERSION = "VirtualMachine", "kubevirt.io/v1"


def keep_machine(review: Review, context: AdmissionContext) -> Verdict:
    """The patch that states what a VM's guest sees; all but the create or update of such a VM passes as it is."""
    obj = review.object
    if review.kind != _KIND or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    if type(obj) is not dict or obj.get("apiVersion") != _VERSION:
        return ALLOWED
    stored = review.old_object if review.operation == "UPDATE" else None
    hook = context.kubevirt.hardware
    site = replace(context.kubevirt_site(), machines=context.site.machines, entropy=context.entropy, hook=hook)
    made = freeze(obj, stored, site)
    warnings = tuple(map(str, made.warnings))
    if made.findings and review.user in context.kubevirt.controllers:
        # What KubeVirt itself has to do goes on; nothing is written where no machine is known.
        return Verdict(allowed=True, warnings=(*map(str, made.findings), *warnings))
    if made.findings:
        return refusal(Findings(made.findings))
    return Verdict(allowed=True, patch=diff(obj, made.vm, ""), warnings=warnings)
