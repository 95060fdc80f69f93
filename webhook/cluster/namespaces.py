"""The labels of all namespaces, from a watch: policies look there for the level of each.

Read by every review in the event loop and written by the watch's thread: one dictionary whose entries are replaced
whole and never changed, so that neither waits for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from webhook.cluster.watch import Watch
from webhook.policy.language.model import LABELS, LEVELS
from webhook.trees import Tree

# A namespace may be a moment younger than what the watch has brought, or came while the watch is lost. Nobody waits for
# the cluster in a review, so its labels are not known: it has the strictest level, whatever the default is. What is
# refused for that can be sent again; what would pass under a lenient default could not be taken back.
UNKNOWN: Mapping[str, str] = MappingProxyType({LABELS["enforce"]: LEVELS[0]})


class Namespaces:
    """Namespaces by their names. `core` is a CoreV1Api; `log` is called when the watch is lost and found again."""

    def __init__(self, core: Any, log: Callable[..., None]) -> None:
        self._known: dict[str, Mapping[str, str]] = {}
        self.watch = Watch("namespaces", core.list_namespace, self._replace, self._change, log)

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of the namespace of this name."""
        return self._known.get(name, UNKNOWN)

    def __len__(self) -> int:
        return len(self._known)

    def _replace(self, objects: Iterable[Tree]) -> None:
        self._known = {obj["metadata"]["name"]: _labels(obj) for obj in objects}

    def _change(self, obj: Tree, gone: bool) -> None:
        name = obj["metadata"]["name"]
        if gone:
            self._known.pop(name, None)
        else:
            self._known[name] = _labels(obj)


def _labels(obj: Tree) -> Mapping[str, str]:
    """What is no map of texts is as good as not known."""
    labels = obj["metadata"].get("labels") or {}
    if type(labels) is not dict or not all(type(value) is str for value in labels.values()):
        return UNKNOWN
    return labels
