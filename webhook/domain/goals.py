"""What the host shall strive for: placement wishes that name nothing of the host and that the guest does not see."""

from typing import Annotated

from webhook.declare import Element, choice, goal
from webhook.domain.types import Flag


class Goals(Element):
    """Resolved on the host when the VM starts; they have no place in the isolated XML."""

    exclusive_cpus: Flag | None = goal("-")
    match_host_numa: Flag | None = goal("-")
    hugepages: Annotated[str, choice("2Mi", "1Gi")] | None = goal("-")
