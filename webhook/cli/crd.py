"""`vmconfig crd`: the CustomResourceDefinitions."""

from __future__ import annotations

import argparse

from webhook.cli import verbs
from webhook.cli.verb import Verb
from webhook.kinds.crd import crds

# An object's annotations have 256 KiB together (apimachinery: TotalAnnotationSizeLimitB).
_APPLIED = (
    "# Apply with `kubectl apply --server-side -f FILE`: a plain apply would keep a copy of each in its annotations,\n"
    "# which have 256 KiB."
)


def run(given: argparse.Namespace) -> int:
    """Print the CustomResourceDefinitions; as YAML they say how they are applied."""
    if given.output != "json":
        print(_APPLIED)
    verbs.show(crds(), given.output)
    return 0


VERBS = (Verb("crd", "the CustomResourceDefinitions, for `kubectl apply --server-side`", run, document=True),)
