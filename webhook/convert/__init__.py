"""VMs of KubeVirt's API as VMs of ours, and the other way.

What one side says and the other has no word for is told, each with its place. The table `losses.yaml` says of every
field of either side whether it is carried. Nothing here reads a Secret or asks a cluster.
"""
