"""KubeVirt's own API, `kubevirt.io/v1`: what policies judge of it, what starts of a VM, and how it is kept."""
