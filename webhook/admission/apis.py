"""What policies may be about: our own declared fields, and where they are asked for KubeVirt's."""

from __future__ import annotations

from collections.abc import Mapping

from webhook.declare import DeclaredField
from webhook.kinds import declared_fields
from webhook.kubevirt import api as kubevirt
from webhook.policy.loading.current import DeclaredApis
from webhook.policy.loading.load import OtherApi


def kubevirt_api() -> OtherApi:
    """KubeVirt's declared fields, and the words about them."""
    return OtherApi(kubevirt.declared_fields(), kubevirt.MESSAGES)


def apis(*, with_kubevirt: bool) -> Mapping[str, DeclaredField] | DeclaredApis:
    """The declared fields that policies are read with; those about KubeVirt's are passed over unless asked for."""
    own = declared_fields()
    return DeclaredApis(own, kubevirt_api()) if with_kubevirt else own
