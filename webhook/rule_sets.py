"""The rule sets of this release: what a VM is made by, and what a stored one names."""

NEWEST = "2026.1"
RULE_SETS = (NEWEST,)
