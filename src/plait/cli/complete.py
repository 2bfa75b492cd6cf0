"""Shell completion: commands, flags, recipes and methods by name, without loading any of them.

The scripts that `plait --install-completion` writes are typer's; they run `plait` with what was
typed in environment variables, and read candidates from stdout. Typer would build every command
with pydantic to answer; reading the signatures of the commands takes half that time.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.models import OptionInfo

from plait.core.families import FAMILIES
from plait.core.lookup import kebab, listed

SETTINGS = {family.setting: family for family in FAMILIES.values() if family.setting}


def answer(app: typer.Typer, environ: Mapping[str, str]) -> tuple[str, int]:
    """Returns the text to print for a shell, and the exit code.

    Args:
        app: the commands.
        environ: the environment variables that typer's script has set.
    """
    shell = environ["_PLAIT_COMPLETE"].removeprefix("complete_")
    words, begun = _bash(environ) if shell == "bash" else _line(environ)
    if begun == "=":  # bash takes it apart from what is around it, and completes what follows
        words, begun = [*words, begun], ""
    found = [each for each in candidates(app, words, begun) if each.startswith(begun)]
    if shell == "zsh":
        quoted = "\n".join('"' + each.replace(":", r"\\:") + '"' for each in found)
        return (f"_arguments '*: :(({quoted}))'" if found else "_files"), 0
    if shell == "fish" and environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return "", 0 if found else 1
    if shell in ("powershell", "pwsh"):
        return "\n".join(f"{each}::: " for each in found), 0
    return "\n".join(found), 0


def candidates(app: typer.Typer, words: list[str], begun: str) -> Iterator[str]:
    """Yields what may stand in place of a word.

    Args:
        app: the commands.
        words: those before it, without `plait` itself.
        begun: what is typed of it.
    """
    commands = {_name(command): command.callback for command in app.registered_commands}
    own = next((word for word in words if word in commands), None)
    root = app.registered_callback
    function = commands[own] if own else root.callback if root else None
    if begun.startswith("-"):
        yield from _flags(function)
        if own is None:
            yield from ("--install-completion", "--show-completion")
        yield "--help"
    elif own is None:
        yield from commands
    else:
        yield from _values(function, words[words.index(own) + 1 :], begun)


def _values(function: Any, words: list[str], begun: str) -> Iterator[str]:
    """Yields recipes, families and settings: ``sharing=``, then ``sharing=MMoE``."""
    arguments = [
        parameter
        for parameter in inspect.signature(function).parameters
        if parameter in ("problem", "family", "settings")
    ]
    key, equals, _ = begun.partition("=")
    if len(words) > 1 and words[-1] == "=":
        yield from _methods(words[-2])
    elif equals:
        yield from (f"{key}={method}" for method in _methods(key))
    elif not words and "problem" in arguments:
        yield from (kebab(name) for name in listed(FAMILIES["recipes"]))
        yield from (path.name for path in sorted(Path().glob("*.y*ml")))
    elif not words and "family" in arguments:
        yield from FAMILIES
    elif "settings" in arguments:
        yield from (f"{setting}=" for setting in SETTINGS if setting != "recipe")


def _methods(setting: str) -> list[str]:
    """Returns the names that a setting can have; none where it names no method."""
    return listed(SETTINGS[setting]) if setting in SETTINGS else []


def _flags(function: Any) -> Iterator[str]:
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        for each in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(each, OptionInfo):
                # in an `Annotated`, typer holds the first flag as the default
                flags = (each.default, *(each.param_decls or ()))
                yield from (flag for flag in flags if isinstance(flag, str))


def _name(command: Any) -> str:
    return str(command.name or command.callback.__name__)


def _bash(environ: Mapping[str, str]) -> tuple[list[str], str]:
    words = environ.get("COMP_WORDS", "").split("\n")
    if len(words) == 1:
        words = words[0].split()
    position = int(environ.get("COMP_CWORD", len(words) - 1))
    return words[1:position], words[position] if position < len(words) else ""


def _line(environ: Mapping[str, str]) -> tuple[list[str], str]:
    line = environ.get("_TYPER_COMPLETE_ARGS", "")
    try:
        words = shlex.split(line)[1:]
    except ValueError:  # a quote that is still open
        words = line.split()[1:]
    begun = words.pop() if words and not line.endswith(" ") else ""
    return words, environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", begun)
