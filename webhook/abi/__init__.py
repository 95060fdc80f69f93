"""The frozen view of the guest over a VM's life: freeze, compare, consequences, tombstones."""
