"""One family of errors. A message names the thing, the rule, what was found, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MANY = 40  # names, more than one reads


class PlaitError(Exception):
    """Base of every error that plait raises on purpose; the command line exits with its code, 2."""

    exit_code = 2


class InputError(PlaitError, ValueError):
    """An argument, option or value that breaks its rule."""


class ConfigError(InputError):
    """An unknown option or method, or a value that an option cannot take."""


class DataError(InputError):
    """Data that are missing, unreadable, or outside their declared range."""


class ShapeError(InputError):
    """Two shapes that have to fit and do not."""


class CheckpointError(InputError):
    """A checkpoint or model folder that is truncated, foreign, or made for something else."""


class RunExistsError(InputError):
    """A run folder that already holds a run; nothing in it was touched."""


class UnsupportedError(PlaitError, NotImplementedError):
    """A combination that plait refuses, with the reason."""


class NonFiniteError(PlaitError, ArithmeticError):
    """A loss or a gradient is NaN or infinite; no gradient was written and no state changed.

    Args:
        text: what is not finite, and what to do.
        tasks: whose losses or gradients are not finite; empty where it is of no task, or unknown.

    Attributes:
        tasks: as given.
    """

    def __init__(self, text: str, tasks: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.tasks = tuple(dict.fromkeys(tasks))


class LostProcessError(PlaitError, RuntimeError):
    """Another process of the same training has ended, or does not answer; exit code 3."""

    exit_code = 3


class MissingExtraError(PlaitError, ImportError):
    """An optional dependency that this call needs is not installed."""


class PlaitWarning(UserWarning):
    """Something that is allowed and hardly meant, such as a gate that uses one expert alone."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Returns the word of `known` that is most like `name`; None where none is.

    Args:
        name: the word that was found.
        known: the words that it may be.
        cutoff: how like it has to be, from 0 (any) to 1 (equal); 0.6 by default.
    """
    folded = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns ``" Did you mean 'x'?"`` for the nearest of `known`, else an empty string.

    Example:
        >>> suggest("PCGard", ["PCGrad", "UPGrad"])
        " Did you mean 'PCGrad'?"
    """
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Returns the message for a `name` that is not among the `known` names of a `kind`.

    Of many names those are told that are nearest to it.

    Example:
        >>> unknown("task", "mak", ["digit", "mask"])
        "unknown task 'mak'; known: digit, mask. Did you mean 'mask'?"
    """
    names = sorted(known)
    listed = ", ".join(names)
    if len(names) > MANY:
        near = difflib.get_close_matches(str(name), names, n=5, cutoff=0.4) or names[:5]
        listed = f"{len(names)} names, such as {', '.join(near)}"
    return f"unknown {kind} {name!r}; known: {listed}.{suggest(str(name), names)}"
