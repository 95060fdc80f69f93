"""Guest operating systems as data: what each needs, and the best practice for it, one folder a rule set."""

from webhook.guests.guest import Guest, Minimum
from webhook.guests.lookup import find, guests, others, types

__all__ = ["Guest", "Minimum", "find", "guests", "others", "types"]
