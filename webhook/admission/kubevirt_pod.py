"""The mutating webhook for the pods of KubeVirt's virtual machines: a kept machine's has the container of the hook.

It adds one container and refuses nothing. Only pods that KubeVirt's controller makes get it: what others make may be
labelled like anything.
"""

from __future__ import annotations

from webhook.admission.context import AdmissionContext
from webhook.admission.review import ALLOWED, Review, Verdict
from webhook.kubevirt.launcher_pod import VOLUME, addition, has_sockets, wanted

_NO_VOLUME = (
    f"the pod has no volume `{VOLUME}`, so its domain is not restated; help: turn on KubeVirt's feature gate "
    "`Plugins`, or set the chart's `kubevirt.hook` to `off`"
)


def add_hook(review: Review, context: AdmissionContext) -> Verdict:
    """The patch that adds the hook's container to the pod of a kept machine; all else passes as it is."""
    container = context.kubevirt.container
    if container is None or review.kind != "Pod" or review.operation != "CREATE" or review.subresource:
        return ALLOWED
    if review.user not in context.kubevirt.controllers or not wanted(review.object):
        return ALLOWED
    if not has_sockets(review.object):
        return Verdict(allowed=True, warnings=(_NO_VOLUME,))
    return Verdict(allowed=True, patch=addition(review.object, container) or None)
