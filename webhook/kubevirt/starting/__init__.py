"""What KubeVirt and libvirt make of a VM when it starts: which devices, where, and how many ports beside them."""
