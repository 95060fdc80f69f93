"""What answers KubeVirt beside each virtual machine: its domain, before libvirt has it, with the machine that is kept.

KubeVirt asks over gRPC on a unix socket. The listener stays small and works for nobody but its own pod; each domain is
restated by a process of its own (`worker.py`), which ends with its answer.
"""
