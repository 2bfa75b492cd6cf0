"""From a class and the options that a user wrote to an object, options that are objects included.

An option may be an object itself, as in ``{class: CRMOGM, method: {class: CAGrad, c: 0.4}}``. What
it may be is what the constructor's annotation says: ``method: GramianBalancer | None`` takes the
name of a balancer, or a mapping with its `class` and its own options.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Union, get_args, get_origin

from plait.core.annotations import MAPPINGS, SEQUENCES, hint_of
from plait.core.arguments import unknown_option
from plait.core.errors import ConfigError, PlaitError
from plait.core.families import family_of
from plait.core.lookup import find, parameters

PLAIN = (Any, str, int, float, bool, bytes, type(None), *SEQUENCES, *MAPPINGS)
Make = Callable[..., Any]  # `build` or `check`


def build(
    cls: type[Any], options: Mapping[str, Any], *, kind: str, foreign: bool = True, **given: Any
) -> Any:
    """Returns ``cls(**given, **options)``; options that name a class are built first.

    Args:
        cls: the class to build.
        options: values by name, as a file or the command line has them.
        kind: the noun for messages, such as "balancer".
        foreign: whether an option may name a class by `module:Class`; false where the options come
            from a stranger's file.
        given: arguments that are not the user's to set.

    Raises:
        ConfigError: an option that the class does not have, one missing that it needs, or a value
            that it cannot take.
    """
    check_names(cls, options, kind=kind, given=given)
    values = _values(cls, options, kind, foreign, build)
    with reporting(cls, options, kind):
        return cls(**given, **values)


def check(
    cls: type[Any],
    options: Mapping[str, Any],
    *,
    kind: str,
    foreign: bool = True,
    given: Collection[str] = (),
    whole: bool = True,
) -> None:
    """Checks all names among the options of a class, at every depth, as `build`; builds nothing.

    Args:
        cls: the class.
        options: values by name.
        kind: the noun for messages.
        foreign: as for `build`.
        given: names of arguments that are not the user's to set.
        whole: whether an option that is missing is an error.

    Raises:
        ConfigError: an option, or a class that an option names, does not exist.
    """
    check_names(cls, options, kind=kind, given=given, whole=whole)
    _values(cls, options, kind, foreign, check)


def check_names(
    cls: type[Any],
    options: Mapping[str, Any],
    *,
    kind: str,
    given: Collection[str] = (),
    whole: bool = True,
) -> None:
    """Raises `ConfigError` for an option that a class does not have, or one missing that it needs.

    Args:
        cls: the class to build.
        options: values by name.
        kind: the noun for messages.
        given: names of arguments that are not the user's to set.
        whole: whether a missing option is an error.
    """
    taken = {name: p for name, p in parameters(cls).items() if name not in given}
    for option in options:
        if option not in taken:
            raise ConfigError(unknown_option(f"{kind} {cls.__name__}", option, taken))
    for name, parameter in taken.items():
        if whole and parameter.default is inspect.Parameter.empty and name not in options:
            raise ConfigError(
                f"{kind} {cls.__name__} needs the option {name!r}. Set it: "
                f"{{class: {cls.__name__}, {name}: ...}}."
            )


@contextmanager
def reporting(cls: type[Any], options: Mapping[str, Any], kind: str) -> Iterator[None]:
    """Turns what a constructor says about the user's values into a `ConfigError`.

    A class without options has none to blame: its error is a defect, and passes as it is.
    """
    try:
        yield
    except PlaitError:
        raise
    except (TypeError, ValueError) as error:
        if not options:
            raise
        raise ConfigError(
            f"{kind} {cls.__name__} cannot be made with {dict(options)}: {error}"
        ) from error


def _values(
    cls: type[Any], options: Mapping[str, Any], kind: str, foreign: bool, make: Make
) -> dict[str, Any]:
    """Returns the values of options; `make` is called for each that describes an object."""
    return {name: _value(cls, name, value, kind, foreign, make) for name, value in options.items()}


def _value(cls: type[Any], argument: str, value: Any, kind: str, foreign: bool, make: Make) -> Any:
    """Returns the value of an option, made if it describes an object."""
    where = f"{kind} {cls.__name__}, option {argument!r}"
    try:
        hint = hint_of(cls.__init__, argument)
    except NameError as error:
        if not (isinstance(value, Mapping) and "class" in value):
            return value  # nothing to build, so what the annotation says is not needed
        raise ConfigError(
            f"{where}: its annotation cannot be read: {error}. Import the name outside of "
            "TYPE_CHECKING."
        ) from None
    return _built(value, hint, where, foreign, make)


def _built(value: Any, hint: Any, where: str, foreign: bool, make: Make) -> Any:
    """Returns an option's value, with every `{class: ...}` in it made as the annotation says."""
    choices = _choices(hint)
    classes = [each for each in choices if isinstance(each, type) and each not in PLAIN]
    if isinstance(value, Mapping) and "class" in value:
        return _instance(value, classes, choices, where, foreign, make)
    if isinstance(value, Mapping) and classes and not _takes_mapping(choices):
        raise ConfigError(
            f"{where} has options ({', '.join(map(str, value))}), but names no class; found "
            f"{dict(value)}. Name one: {{class: NAME, ...}}."
        )
    if isinstance(value, str) and classes and not _takes_word(value, choices):
        return _instance({"class": value}, classes, choices, where, foreign, make)
    for choice in choices:
        inner = [each for each in get_args(choice) if each is not Ellipsis]
        if isinstance(value, list | tuple) and get_origin(choice) in SEQUENCES and inner:
            return [_built(each, inner[0], where, foreign, make) for each in value]
        if isinstance(value, Mapping) and get_origin(choice) in MAPPINGS:
            return {k: _built(each, inner[-1], where, foreign, make) for k, each in value.items()}
    return value


def _instance(
    value: Mapping[str, Any],
    classes: list[type[Any]],
    choices: list[Any],
    where: str,
    foreign: bool,
    make: Make,
) -> Any:
    """Makes the object that a mapping with `class` describes."""
    if not classes:
        if _takes_mapping(choices):
            return value
        raise ConfigError(f"{where} takes no class; found {value['class']!r}. Give a plain value.")
    name, options = value["class"], {key: each for key, each in value.items() if key != "class"}
    if not isinstance(name, str):
        raise ConfigError(f"{where} must name a class; found {name!r}.")
    errors: list[ConfigError] = []
    for base in classes:
        family = family_of(base)
        noun = family.noun if family else base.__name__
        package = family.package if family else None
        try:
            cls = find(name, package, base=base, kind=noun, foreign=foreign)
        except ConfigError as error:
            errors.append(ConfigError(f"{where}: {error}"))
            continue
        return make(cls, options, kind=noun, foreign=foreign)
    raise errors[0]


def _choices(hint: Any) -> list[Any]:
    """Returns the members of a union, or the one annotation."""
    if get_origin(hint) in (Union, types.UnionType):
        return list(get_args(hint))
    return [hint]


def _takes_mapping(choices: list[Any]) -> bool:
    """Returns whether an annotation takes a mapping as it is."""
    return any(choice is Any or (get_origin(choice) or choice) in MAPPINGS for choice in choices)


def _takes_word(word: str, choices: list[Any]) -> bool:
    """Returns whether an annotation takes a string as it is."""
    literals = [each for c in choices if get_origin(c) is Literal for each in get_args(c)]
    return str in choices or Any in choices or word in literals
