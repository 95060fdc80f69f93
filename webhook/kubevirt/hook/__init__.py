"""The frozen machine in the domain that KubeVirt is about to define: the one function `restate`.

KubeVirt's launcher calls a hook up to three times a boot, the second and third time with what libvirt added; so the
same is said each time, and it is decided by the VM's annotation alone.
"""

from webhook.kubevirt.hook.restating import restate

__all__ = ["restate"]
