"""Machine types as data, a folder a rule set, and pure lookups over it."""

from webhook.machines.lookup import family, find, has_channels, lacking, of_arch, unpinned, versioned
from webhook.machines.machine import Bus, Machine, Ports

__all__ = ["Bus", "Machine", "Ports", "family", "find", "has_channels", "lacking", "of_arch", "unpinned", "versioned"]
