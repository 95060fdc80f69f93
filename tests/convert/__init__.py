"""VMs of KubeVirt's API as VMs of ours, and the other way."""
