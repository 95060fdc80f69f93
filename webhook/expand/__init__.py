"""From a spec that says a few words to the complete machine: merge, names, places, identities."""
