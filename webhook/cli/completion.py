"""`vmconfig completion`: what a shell completes, made of the command's own grammar."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webhook.cli.verb import Verb


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: how it is written, what it is for, and the values that it has to choose from."""

    names: Sequence[str]
    text: str
    has_value: bool
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a verb or of a group (none for the command itself), what comes behind them, and the flags."""

    words: tuple[str, ...]
    text: str
    below: Sequence[str]
    flags: Sequence[Flag]
    values: Sequence[str]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The argument of the verb."""
    parser.add_argument("shell", choices=tuple(_SHELLS), help="the shell that shall complete")


def run(given: argparse.Namespace) -> int:
    """Print the shell's script."""
    from webhook.cli import grammar

    print("\n".join(_SHELLS[given.shell](list(commands(grammar())))))
    return 0


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), text: str = "") -> Iterator[Command]:
    """The command, and everything below it."""
    below: dict[str, argparse.ArgumentParser] = {}
    texts: dict[str, str] = {}
    flags: list[Flag] = []
    values: list[str] = []
    for action in parser._actions:  # argparse has no other way to ask what a parser takes
        if isinstance(action, argparse._SubParsersAction):
            below = dict(action.choices)
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
        elif action.option_strings:
            choices = tuple(map(str, action.choices or ()))
            flags.append(Flag(action.option_strings, action.help or "", action.nargs != 0, choices))
        else:
            values += map(str, action.choices or ())
    yield Command(words, text, tuple(below), flags, values)
    for name, inner in below.items():
        yield from commands(inner, (*words, name), texts.get(name, ""))


def _table(found: list[Command]) -> Iterator[str]:
    """What stands behind the words so far, as `case` statements that bash and zsh read alike."""
    yield '    case "$verb" in'
    for command in found:
        yield f'        "{" ".join(command.words)}")'
        yield '            case "$before" in'
        for flag in command.flags:
            if flag.has_value:
                chosen = f'choices="{" ".join(flag.values)}"' if flag.values else "files=1"
                yield f"                {'|'.join(flag.names)}) {chosen} ;;"
        flags = " ".join(name for flag in command.flags for name in flag.names)
        words = " ".join((*command.below, *command.values))
        yield f'                *) flags="{flags}" choices="{words}" ;;'
        yield "            esac ;;"
    yield "    esac"


def _groups(found: list[Command]) -> str:
    return "|".join(command.words[0] for command in found if command.below and command.words)


def _bash(found: list[Command]) -> Iterator[str]:
    yield "# bash: source <(vmconfig completion bash)"
    yield "_vmconfig() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"'
    yield '    local verb="" flags="" choices="" files=""'
    yield '    if ((COMP_CWORD > 1)); then verb="${COMP_WORDS[1]}"; fi'
    yield '    case "$verb" in'
    yield f'        {_groups(found)}) if ((COMP_CWORD > 2)); then verb="$verb ${{COMP_WORDS[2]}}"; fi ;;'
    yield "    esac"
    yield from _table(found)
    yield '    if [[ $word == -* && -z $files ]]; then choices="$flags"; fi'
    yield "    COMPREPLY=()"
    yield '    if [[ -n $choices ]]; then COMPREPLY=($(compgen -W "$choices" -- "$word" || true)); fi'
    yield "}"
    yield "complete -o default -F _vmconfig vmconfig"


def _zsh(found: list[Command]) -> Iterator[str]:
    yield "#compdef vmconfig"
    yield "# zsh: source <(vmconfig completion zsh)"
    yield "_vmconfig() {"
    yield '    local word="${words[CURRENT]}" before="${words[CURRENT-1]}" verb="" flags="" choices="" files=""'
    yield '    if ((CURRENT > 2)); then verb="${words[2]}"; fi'
    yield f'    case "$verb" in ({_groups(found)}) if ((CURRENT > 3)); then verb="$verb ${{words[3]}}"; fi ;; esac'
    yield from _table(found)
    yield '    if [[ $word == -* && -z $files ]]; then choices="$flags"; fi'
    yield "    if [[ -n $choices ]]; then compadd -- ${=choices}; else _files; fi"
    yield "}"
    yield "compdef _vmconfig vmconfig"


def _fish(found: list[Command]) -> Iterator[str]:
    yield "# fish: vmconfig completion fish | source"
    texts = {command.words: command.text for command in found}
    groups = _groups(found).replace("|", " ")
    for command in found:
        here = _fish_condition(command, groups)
        for name in command.below:
            yield f"complete -c vmconfig -f -n {here} -a {name} -d {_quoted(texts[*command.words, name])}"
        if command.values:
            yield f"complete -c vmconfig -f -n {here} -a {_quoted(' '.join(command.values))}"
        for flag in command.flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            value = f" -x -a {_quoted(' '.join(flag.values))}" if flag.values else " -r" if flag.has_value else ""
            yield f"complete -c vmconfig -n {here} {names}{value} -d {_quoted(flag.text)}"


def _fish_condition(command: Command, groups: str) -> str:
    """Where the words of a command are what has been typed; a verb may have the name of a group's tool."""
    if not command.words:
        return "__fish_use_subcommand"
    seen = "__fish_seen_subcommand_from"
    if command.below:
        return _quoted(f"{seen} {command.words[0]}; and not {seen} {' '.join(command.below)}")
    if len(command.words) == 1:
        return _quoted(f"{seen} {command.words[0]}; and not {seen} {groups}")
    return _quoted("; and ".join(f"{seen} {word}" for word in command.words))


def _quoted(text: str) -> str:
    """A text as one word of fish; argparse's own marks in it are written out."""
    plain = text.replace("%%", "%").replace("\\", "\\\\").replace("'", "\\'")
    return f"'{plain}'"


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
VERBS = (Verb("completion", "what bash, zsh or fish completes of this command", run, add_flags, prints=False),)
