"""Options declared once: a frozen dataclass has their names, types, ranges and defaults.

    @dataclass(frozen=True)
    class Options:
        every: Annotated[int, AtLeast(1)] = 1
        clip: Annotated[float, Above(0)] | None = None
        scale: Literal["sum", "paper"] = "sum"

`check_options` reads these annotations, and so does pydantic in the configuration of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from plait.core.annotations import Member, members, rule
from plait.core.errors import ConfigError


@dataclass(frozen=True)
class AtLeast:
    """The range ``number >= limit``."""

    limit: float

    def __contains__(self, number: float) -> bool:
        return number >= self.limit

    def __str__(self) -> str:
        return f"of at least {self.limit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[..., Any]) -> Any:
        """Tells pydantic the range; called by pydantic alone."""
        return {**handler(source), "ge": self.limit}


Count = Annotated[int, AtLeast(1)]  # of layers, units, steps
Strength = Annotated[float, AtLeast(0)]  # of a term; 0 leaves it out


@dataclass(frozen=True)
class Above:
    """The range ``number > limit``."""

    limit: float

    def __contains__(self, number: float) -> bool:
        return number > self.limit

    def __str__(self) -> str:
        return f"above {self.limit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[..., Any]) -> Any:
        """Tells pydantic the range; called by pydantic alone."""
        return {**handler(source), "gt": self.limit}


def check_options(options: object) -> None:
    """Checks each option of a dataclass instance against its declared type, choices and range.

    An annotation is `int`, `float` or `str`, a number `Annotated` with `AtLeast` or `Above`, a
    `Literal`, a `Callable`, None, or a union of these. A `bool` is no number; NumPy's numbers are.

    Raises:
        ConfigError: a value is outside; the message names the option, the rule and the value.

    Example:
        >>> @dataclass(frozen=True)
        ... class Options:
        ...     every: Annotated[int, AtLeast(1)] = 1
        >>> check_options(Options(every=0))
        Traceback (most recent call last):
        plait.core.errors.ConfigError: `every` must be an integer of at least 1; found 0.
    """
    declared = _declared(type(options))  # type: ignore[arg-type] # a class is hashable
    for option, taken in declared.items():
        value = getattr(options, option)
        if not any(member.takes(value) for member in taken):
            raise ConfigError(f"`{option}` must be {rule(taken)}; found {value!r}.")


def refuse_unused(reason: str, **options: Any) -> None:
    """Refuses options that another choice makes void, so that none is given in vain.

    Args:
        reason: the choice, such as "with solver='exact'".
        options: values by name; None where the option was left out.

    Raises:
        ConfigError: one of them was given.

    Example:
        >>> refuse_unused("with solver='exact'", niter=20)
        Traceback (most recent call last):
        plait.core.errors.ConfigError: `niter` has no effect with solver='exact'; leave it out.
    """
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"`{name}` has no effect {reason}; leave it out.")


def chosen(cls: type[Any], source: object) -> dict[str, Any]:
    """Returns ``{option: value}`` for the options of dataclass `cls`.

    Args:
        cls: the dataclass.
        source: has an attribute of each option's name.
    """
    return {option.name: getattr(source, option.name) for option in fields(cls)}


@cache
def _declared(cls: Any) -> dict[str, list[Member]]:
    hints = get_type_hints(cls, include_extras=True)
    return {option.name: members(hints[option.name]) for option in fields(cls)}
