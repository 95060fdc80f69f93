"""The resource kinds of the API, and the CustomResourceDefinitions made of their declarations."""

from webhook.kinds.kind import GROUP, KINDS, VERSION, VM, VM_CONFIG, Kind
from webhook.kinds.snapshot import SNAPSHOT
from webhook.kinds.spec import Spec, declared_fields, inspect_spec, spec_shape

__all__ = [
    "GROUP",
    "KINDS",
    "SNAPSHOT",
    "VERSION",
    "VM",
    "VM_CONFIG",
    "Kind",
    "Spec",
    "declared_fields",
    "inspect_spec",
    "spec_shape",
]
