"""Policy files as tests write them: whole ones end with `...`, and a whole folder has every level."""

from __future__ import annotations

from webhook.policy import LEVELS

HEAD = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: %s}\n"
END = "...\n"


def policy(name: str = "site", rule: str = "forbid: {class: host-path}") -> str:
    """One policy with one rule, to which more can be added."""
    return HEAD % name + f"rules: [{{name: r, {rule}}}]\n"


# The least that every level can have: what is refused anyway.
LEVEL_POLICIES = "".join(
    f"---\n{HEAD % level}level: {level}\nrules: [{{name: r, deny: {{class: credential}}}}]\n" for level in LEVELS
)


def ended(text: str) -> str:
    """A file with these policies."""
    return text + END


def whole(text: str) -> str:
    """The only file of a folder, with these policies and one for each level."""
    return ended(text + LEVEL_POLICIES)
