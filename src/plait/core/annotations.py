"""Annotations read as rules: what each takes, and how a message says it."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from plait.core.families import family_of

SEQUENCES = (list, tuple, collections.abc.Sequence)
MAPPINGS = (dict, collections.abc.Mapping)
LONGEST = 60  # characters of a value that a message shows


@dataclass(frozen=True)
class Member:
    """One member of the union that an annotation is.

    Attributes:
        takes: tells whether a value is one.
        name: of one value, such as "a number".
        plural: of several, such as "numbers".
        kind: of which the one choice is that a `Literal` allows; None for other members.
        foreign: whether it is of a class that plait does not define; inside a list or a dict, what
            is no such object is left to the constructor, which can name it.
    """

    takes: Callable[[Any], bool]
    name: str
    plural: str = ""
    kind: type[Any] | None = None
    foreign: bool = False

    def may_take(self, value: Any) -> bool:
        """Whether a value is one, or one of the kind that a `Literal` chooses from."""
        return self.takes(value) or type(value) is self.kind


ANYTHING = Member(lambda value: True, "anything")


def hint_of(init: Callable[..., Any], argument: str) -> Any:
    """Returns the annotation of a constructor's argument, resolved if it is in quotes.

    Args:
        init: the `__init__` of a class.
        argument: its name; `Any` is returned where it has no annotation.

    Raises:
        NameError: the annotation names what its module does not have at run time.
    """
    function: Any = inspect.unwrap(init)
    written = getattr(function, "__annotations__", {})
    if argument not in written:
        return Any

    def alone() -> None: ...

    alone.__annotations__ = {argument: written[argument]}
    hints = typing.get_type_hints(alone, globalns=function.__globals__, include_extras=True)
    return hints[argument]


def members(annotation: Any) -> list[Member]:
    """Returns the members of an annotation; one that takes anything where it cannot be told.

    Example:
        >>> [member.name for member in members(int | Literal["auto"] | None)]
        ['an integer', "'auto'", 'None']
        >>> [member.takes(2.5) for member in members(int | Sequence[float])]
        [False, False]
    """
    if annotation is Any:
        return [ANYTHING]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return [member for each in arguments for member in members(each)]
    if origin is Literal:
        return [_word(choice) for choice in arguments]
    if origin is Annotated:
        return [_number(*arguments)]
    if (origin or annotation) is collections.abc.Callable:
        return [Member(callable, "a function")]
    if (origin or annotation) in SEQUENCES:
        return [_sequence(members(arguments[0]) if arguments else [ANYTHING])]
    if (origin or annotation) in MAPPINGS:
        return [_mapping(*(members(each) for each in arguments[:2]))]
    if annotation in (int, float):
        return [_number(annotation)]
    protocol = getattr(annotation, "_is_protocol", False)  # which `isinstance` may not read
    if isinstance(annotation, type) and origin is None and not protocol:
        return [_instance(annotation)]
    return [ANYTHING]


def rule(found: Sequence[Member]) -> str:
    """Names what a value must be, such as "an integer, 'auto' or None"."""
    *names, last = dict.fromkeys(member.name for member in found)
    return f"{', '.join(names)} or {last}" if names else last


def shown(value: Any) -> str:
    """Returns a value as a message shows it, on one line.

    Example:
        >>> shown("UPGrad"), shown(int), shown(object()), shown([1, 2])
        ("'UPGrad'", 'the class int', 'an object', '[1, 2]')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, str | int | float | list | tuple | dict | set | Path):
        text = repr(value)
        if len(text) <= LONGEST and "\n" not in text:
            return text
    return _a(type(value).__name__)


def _a(noun: str) -> str:
    # a name that begins with a capital U is read as "you" or "up": no rule tells them apart
    return f"{'an' if noun[:1] in 'aeioAEIO' else 'a'} {noun}"


def _word(choice: Any) -> Member:
    def takes(value: Any) -> bool:
        return type(value) is type(choice) and bool(value == choice)

    return Member(takes, repr(choice), kind=type(choice))


def _number(kind: type[Any], *ranges: Any) -> Member:
    abstract, noun = {int: (Integral, "integer"), float: (Real, "number")}[kind]

    def takes(value: Any) -> bool:
        if getattr(value, "ndim", None) == 0:  # a number of NumPy or torch
            value = value.tolist()
        number = isinstance(value, abstract) and not isinstance(value, bool)
        return number and all(value in each for each in ranges)

    return Member(
        takes, " ".join([_a(noun), *map(str, ranges)]), " ".join([f"{noun}s", *map(str, ranges)])
    )


def _instance(cls: type[Any]) -> Member:
    if cls is NoneType:
        return Member(lambda value: value is None, "None")
    if cls is bool:
        return Member(lambda value: type(value).__name__ in ("bool", "bool_"), "True or False")
    if cls is str:
        return Member(lambda value: isinstance(value, str), "a string", "strings")
    family = family_of(cls)
    if family is None or not family.example:
        noun = "torch module" if family and cls is family.base else cls.__name__
        foreign = not cls.__module__.startswith("plait.")
        return Member(lambda value: isinstance(value, cls), _a(noun), f"{noun}s", foreign=foreign)
    such = f"{_a(family.noun)}, such as `{family.example}`"
    return Member(lambda value: isinstance(value, cls), such, f"{family.noun}s")


def _sequence(inner: list[Member]) -> Member:
    """Takes anything with an order: lists, arrays, tensors; never a string, a dict or a set."""

    def takes(value: Any) -> bool:
        plain = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(plain, str | bytes | Mapping | collections.abc.Set):
            return False
        if not hasattr(plain, "__iter__") or not hasattr(plain, "__len__"):
            return False
        return all(any(m.foreign or m.may_take(each) for m in inner) for each in plain)

    plurals = [member.plural for member in inner if member.plural]
    return Member(takes, f"a list of {plurals[0]}" if plurals else "a list", "lists")


def _mapping(*inner: list[Member]) -> Member:
    keys, values = inner if len(inner) == 2 else ([ANYTHING], [ANYTHING])

    def takes(value: Any) -> bool:
        return isinstance(value, Mapping) and all(
            any(m.may_take(key) for m in keys)
            and any(m.foreign or m.may_take(each) for m in values)
            for key, each in value.items()
        )

    plurals = [member.plural for member in values if member.plural]
    return Member(takes, f"a dict of {plurals[0]}" if plurals else "a dict", "dicts")
