"""The security policy: which of a VM's fields may reach into the host, for whom and where. Knows classes and paths."""

from webhook.policy.current import Policies
from webhook.policy.engine import Engine, compile_policies
from webhook.policy.load import Loaded, load, shipped
from webhook.policy.model import LEVELS, Decision, Policy, Request

__all__ = [
    "LEVELS",
    "Decision",
    "Engine",
    "Loaded",
    "Policies",
    "Policy",
    "Request",
    "compile_policies",
    "load",
    "shipped",
]
