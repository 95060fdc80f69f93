"""Where and for whom policies and exceptions hold, as formulas over a request and its namespace."""

from __future__ import annotations

from collections.abc import Sequence

from webhook.policy.language.model import Match, Policy
from webhook.policy.vap.cel import FALSE, TRUE, all_of, any_of, globbed, negated, text

NAMESPACE = "request.namespace"


def in_force(policy: Policy, level: str) -> str:
    """Whether a policy is enforced in a namespace of this level."""
    if policy.level != level if policy.level else policy.mode != "enforce":
        return FALSE
    return _matched(policy.match)


def variable(policy: Policy) -> str:
    """The name of the variable that says whether a policy is in force; names of policies have no `_`."""
    return f"in_force_{policy.name.replace('-', '_')}"


def _matched(match: Match) -> str:
    return all_of(
        [
            globbed(match.names, NAMESPACE) if match.names else TRUE,
            negated(globbed(match.without, NAMESPACE)),
            *(_labelled(label, value) for label, value in match.labels.items()),
            any_of([_user(match.users), _grouped(match.groups)]) if match.by_subject else TRUE,
        ]
    )


def _labelled(label: str, value: str) -> str:
    return f"namespaceObject.metadata.?labels[?{text(label)}] == optional.of({text(value)})"


def _user(users: Sequence[str]) -> str:
    name = "request.userInfo.username"
    return all_of([f"has({name})", globbed(users, name)]) if users else FALSE


def _grouped(groups: Sequence[str]) -> str:
    named = "request.userInfo.groups"
    return all_of([f"has({named})", f"{named}.exists(g, {globbed(groups, 'g')})"]) if groups else FALSE
