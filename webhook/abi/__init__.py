"""What the guest sees, kept: merge, names, identities, addresses, and the freeze over a VM's life."""
