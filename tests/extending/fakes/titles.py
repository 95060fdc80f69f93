"""A rule that nobody needs: titles are spoken softly."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule
from webhook.findings import Finding
from webhook.trees import Tree


@rule
def titles_are_spoken_softly(domain: Tree, path: str) -> Iterator[Finding]:
    """Whoever reads a list of machines is not deaf."""
    if str(domain.get("title", "")).isupper():
        yield Finding(f"{path}.title", "is shouted", "say it in small letters", "soft-title")
