"""Constructors that answer in plait's own words to arguments that they cannot take.

A class that derives from `Checked`, or whose `__init__` is `checked`, says which options it has
where a name is wrong, and what an argument must be where its value is not what the annotation says.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, ParamSpec, TypeVar

from plait.core.annotations import ANYTHING, Member, hint_of, members, rule, shown
from plait.core.errors import ConfigError, suggest
from plait.core.families import family_of

MOST_LISTED = 12  # options that a message lists beside the one that was meant

P = ParamSpec("P")
C = TypeVar("C")
T = TypeVar("T")


class Checked:
    """Base of classes whose constructors are all `checked`, those of subclasses too."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        init: Any = cls.__init__
        if not hasattr(init, "checks_arguments"):
            _replace(cls, checked(init))


def checked(init: Callable[P, None]) -> Callable[P, None]:
    """Makes an `__init__` check its arguments by their names and annotations.

    The annotations of classes outside of plait are not read: they may be meant loosely.

    A `ConfigError` says what to write: for an argument that the class does not have,
    for one that is missing, and for a value that is not what the annotation says.
    """
    own = init.__module__.partition(".")[0] == "plait"
    declared = list(inspect.signature(init).parameters.values())[1:]
    names = {each.name for each in declared}
    order = [each.name for each in declared if each.kind is each.POSITIONAL_OR_KEYWORD]

    @functools.cache
    def taken(argument: str) -> list[Member]:
        try:
            return members(hint_of(init, argument))
        except NameError:
            return [ANYTHING]

    @functools.wraps(init)
    def construct(*args: P.args, **kwargs: P.kwargs) -> None:
        cls: Any = type(args[0])
        if cls.__init__ is not construct:  # a subclass has checked its own
            init(*args, **kwargs)
            return
        if len(args) - 1 > len(order) or not names.issuperset(kwargs):
            _explain(cls, init, args, kwargs)
        given = dict(zip(order, args[1:], strict=False)) | kwargs if own else {}
        choices = [_check(cls, name, value, taken(name)) for name, value in given.items()]
        try:
            init(*args, **kwargs)
        except TypeError as error:
            _explain(cls, init, args, kwargs)
            raise error
        for name in filter(None, choices):  # what the class itself says of a choice comes first
            _refuse(cls, name, given[name], taken(name))

    construct.checks_arguments = True  # type: ignore[attr-defined]
    return construct


def checked_class(cls: type[C]) -> type[C]:
    """Makes the constructor that `dataclass` has written for a class `checked`."""
    _replace(cls, checked(cls.__init__))
    return cls


def named(init: Callable[P, None]) -> Callable[P, None]:
    """Makes an `__init__` say which arguments it has, where a name is wrong; it reads no values.

    For an object that is made in each step.
    """

    @functools.wraps(init)
    def construct(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            init(*args, **kwargs)
        except TypeError as error:
            _explain(type(args[0]), init, args, kwargs)
            raise error

    return construct


def as_list(given: T | Iterable[T]) -> list[T]:
    """Returns a list of one for a single object, and any other sequence as a list."""
    return list(given) if isinstance(given, Iterable) else [given]


def unknown_option(what: str, option: str, taken: Collection[str]) -> str:
    """Returns the message for an option that a class does not have.

    Args:
        what: the class, such as "balancer CAGrad".
        option: its name.
        taken: names of the options that the class has.

    Example:
        >>> unknown_option("balancer CAGrad", "gamma", ["c", "rescale"])
        "balancer CAGrad has no option 'gamma'; it takes: c, rescale."
    """
    near = suggest(option, taken)
    if near and len(taken) > MOST_LISTED:
        return f"{what} has no option {option!r}.{near}"
    known = f"it takes: {', '.join(taken)}" if taken else "it takes none"
    return f"{what} has no option {option!r}; {known}.{near}"


def _replace(cls: Any, init: Callable[..., None]) -> None:
    cls.__init__ = init


def _check(cls: type[Any], name: str, value: Any, taken: list[Member]) -> str | None:
    """Raises `ConfigError` for a wrong value; returns the name of a wrong choice."""
    if any(member.takes(value) for member in taken):
        return None
    if any(member.may_take(value) for member in taken):
        return name
    _refuse(cls, name, value, taken)
    return None


def _refuse(cls: type[Any], name: str, value: Any, taken: list[Member]) -> None:
    near = ""
    if isinstance(value, str):
        near = suggest(value, [member.name.strip("'") for member in taken if member.kind is str])
    raise ConfigError(
        f"`{name}` of {cls.__name__} must be {rule(taken)}; found {shown(value)}.{near}"
    )


def _explain(
    cls: type[Any], init: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Raises `ConfigError` if a constructor does not take these arguments."""
    signature = inspect.signature(init)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        said = str(error)
    else:
        return
    what = _described(cls)
    named = dict(list(signature.parameters.items())[1:])
    foreign = next((name for name in kwargs if name not in named), None)
    if foreign is not None:
        raise ConfigError(unknown_option(what, foreign, list(named)))
    free = [name for name, each in named.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    if len(args) - 1 > len(free):
        others = [name for name in named if name not in free]
        way = f"Name the others: {_call(cls, others[:1])}." if others else "Leave the others out."
        raise ConfigError(
            f"{what} takes {' and '.join(free) or 'nothing'} without a name; found "
            f"{len(args) - 1} arguments. {way}"
        )
    missing = list(_missing(named, len(args) - 1, kwargs))
    if missing:
        raise ConfigError(f"{what} needs {' and '.join(missing)}. Write {_call(cls, missing)}.")
    raise ConfigError(f"{what}: {said}.")


def _described(cls: type[Any]) -> str:
    """Names a class for a message: "balancer UPGrad", or "Trainer", which is of no family.

    Any module of torch may be an encoder, and most are none.
    """
    family = family_of(cls)
    own = family is not None and (
        family.base.__module__.startswith("plait.")
        or cls.__module__.startswith(f"plait.{family.name}.")
    )
    return f"{family.noun} {cls.__name__}" if family and own else cls.__name__


def _missing(
    named: dict[str, inspect.Parameter], placed: int, kwargs: dict[str, Any]
) -> Iterator[str]:
    for position, (name, each) in enumerate(named.items()):
        if each.default is each.empty and position >= placed and name not in kwargs:
            yield f"`{name}`"


def _call(cls: type[Any], names: list[str]) -> str:
    inside = ", ".join(f"{name.strip('`')}=..." for name in names)
    return f"`{cls.__name__}({inside})`"
