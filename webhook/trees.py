"""What an object of the API is to the code that reads it: a tree of maps, lists and scalars.

Its shape is checked where it comes in (`webhook.declare`). From there on a part is known by its path, because most
fields of a machine are never asked for by name.
"""

from __future__ import annotations

from typing import Any

# A map of the tree, as JSON or YAML gives it: `{"name": "root", "source": {"type": "claim", "claim": "disk-1"}}`.
Tree = dict[str, Any]
