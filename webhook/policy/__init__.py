"""The security policy: which of a VM's fields may reach into the host, for whom and where. Knows classes and paths."""

from webhook.policy.engine.engine import Engine, compile_policies
from webhook.policy.engine.submission import Submission
from webhook.policy.language.model import LEVELS, Decision, Policy, Request
from webhook.policy.loading.current import Policies
from webhook.policy.loading.load import Loaded, Loading, load, shipped

__all__ = [
    "LEVELS",
    "Decision",
    "Engine",
    "Loaded",
    "Loading",
    "Policies",
    "Policy",
    "Request",
    "Submission",
    "compile_policies",
    "load",
    "shipped",
]
