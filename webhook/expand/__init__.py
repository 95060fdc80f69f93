"""The expansion of a short spec to the complete machine: merge, names, addresses, identities."""
