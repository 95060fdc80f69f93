"""The policy language: what a policy, a rule and a condition are. Values and pure functions; nothing is read here."""
