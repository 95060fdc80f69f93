"""The `vmconfig` command (also `kubectl vmconfig`): one verb a thing that one wants to do, exit codes 0, 1 and 2.

A verb that has its module's name pays for nothing that only others need: KubeVirt waits for `hook` at each start.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias

from webhook.cli.verb import Group, HasVerbs, Verb
from webhook.findings import Refused

OK, FINDINGS, USAGE = 0, 1, 2
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    given = _read(words)
    try:
        code = _run(given)
        if sys.stdout is not None:  # a process that is started without one has none
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; the interpreter must not complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        return _failed(error)
    return code


def _failed(error: Exception) -> int:
    """Say why there is no answer; an error of ours is shown without texts of the file."""
    from webhook.cli.files import Unreadable
    from webhook.server.trace import trace

    if isinstance(error, Unreadable | ValueError | OSError):
        print(f"vmconfig: {error}", file=sys.stderr)
    else:
        print(f"vmconfig: an unexpected error:\n{trace(error)}", file=sys.stderr)
    return USAGE


def _read(words: Sequence[str]) -> argparse.Namespace:
    """The words by the command's grammar; sources may stand before and behind flags."""
    parser = _parser(words)
    given, rest = parser.parse_known_args(words)
    if rest and ("sources" not in given or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    given.sources = [*getattr(given, "sources", ()), *rest]
    return given


def _run(given: argparse.Namespace) -> int:
    try:
        code: int = given.run(given)
    except Refused as refused:
        from webhook.cli import verbs

        show = verbs.refuse if given.document else verbs.show_findings
        return show(refused.findings, given.output)
    return code


class _Version(argparse.Action):
    """Prints the version, which is looked up only then: what reads packages' metadata is slow to import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"vmconfig {version('vmconfig')}")
        parser.exit()


def found(words: Sequence[str] | None = None) -> list[Verb]:
    """The verbs of every module of this folder, in the order of their words: one is here by being there.

    Of words that begin with a verb which has its module's name only that module's.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "__main__")
    if words and (module := words[0].replace("-", "_")) in names:
        own = _verbs(module)
        if any(verb.group is None and verb.name == words[0] for verb in own):
            return own
    return sorted((verb for name in names for verb in _verbs(name)), key=lambda verb: verb.words)


def _verbs(name: str) -> list[Verb]:
    module = importlib.import_module(f"{__name__}.{name}")
    return list(module.VERBS) if isinstance(module, HasVerbs) else []


def grammar() -> argparse.ArgumentParser:
    """All that the command takes."""
    return _parser()


def _parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The command's grammar; of verbs that are not among the words only the names (None: all of it)."""
    parser = argparse.ArgumentParser(
        prog="vmconfig",
        description="virtual machines on Kubernetes: a few words become complete, safe, frozen hardware",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    single = parser.add_subparsers(required=True, metavar="VERB")
    for group, members in groupby(found(words), key=lambda verb: verb.group):
        listed = list(members)
        place = single if group is None else _tools(single, group, listed)
        for verb in listed:
            _add(place, verb, flags=words is None or verb.name in words)
    return parser


def _tools(place: Subparsers, group: Group, members: list[Verb]) -> Subparsers:
    text = f"{group.text}: {', '.join(verb.name for verb in members)}"
    return place.add_parser(group.name, help=text, description=text).add_subparsers(required=True, metavar="TOOL")


def _add(place: Subparsers, verb: Verb, flags: bool) -> None:
    made = place.add_parser(verb.name, help=verb.text, description=verb.text, allow_abbrev=False)
    made.set_defaults(run=verb.run, output="text", document=verb.document)
    if verb.prints:
        made.add_argument("-o", "--output", choices=("text", "json", "yaml"), default="text", help="how to print")
    if flags and verb.add_flags is not None:
        verb.add_flags(made)


if __name__ == "__main__":
    sys.exit(main())
