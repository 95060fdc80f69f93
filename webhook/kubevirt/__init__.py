"""KubeVirt's own API, `kubevirt.io/v1` and what goes with it."""
