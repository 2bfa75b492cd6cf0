"""Methods by name: a package's `__all__` is the only registry; a dotted path works as well."""

from __future__ import annotations

import importlib
import inspect
from abc import ABC
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from plait.core.errors import ConfigError, unknown
from plait.core.families import Family
from plait.core.lazy import homes


def find(
    name: str, package: ModuleType | None, *, base: type, kind: str, foreign: bool = True
) -> type[Any]:
    """Returns the class that `name` stands for.

    Args:
        name: a name in `package.__all__`, or `module.path:Class`.
        package: where plait's own methods of this kind are; None if there are none.
        base: what the class must derive from.
        kind: the noun for messages, such as "balancer".
        foreign: whether a dotted path is allowed; false where the name comes from a stranger's
            file.

    Raises:
        ConfigError: there is no such class, or it is not a `base`.
    """
    if foreign and ":" in name:
        module, _, attribute = name.partition(":")
        if not all(part.isidentifier() for part in [*module.split("."), attribute]):
            raise ConfigError(
                f"{kind} {name!r} is no path to a class; write `package.module:Class`."
            )
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"cannot import {kind} {name!r}: {error}. Is it on the Python path?"
            ) from None
    elif package is not None and name in names(package, base):
        found = getattr(package, name)
    elif package is not None:
        raise ConfigError(unknown(kind, name, names(package, base)))
    else:
        raise ConfigError(
            f"{kind} {name!r} is unknown; name it by its path, `package.module:Class`."
        )
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError(f"{name!r} is no {kind}: it must be a subclass of {base.__name__}.")
    if is_base(found):
        raise ConfigError(f"{name!r} is a base class and does nothing; name a subclass of it.")
    return found


def find_method(name: str, family: Family, *, foreign: bool = True) -> type[Any]:
    """Returns the class of a family that `name` stands for; see `find`."""
    return find(name, family.package, base=family.base, kind=family.noun, foreign=foreign)


def names(package: ModuleType, base: type) -> list[str]:
    """Returns the names in `package.__all__` of the concrete subclasses of `base`."""
    return [
        name
        for name in package.__all__
        if isinstance(getattr(package, name), type)
        and issubclass(getattr(package, name), base)
        and not is_base(getattr(package, name))
    ]


def listed(family: Family) -> list[str]:
    """Returns the names of a family's methods without importing any.

    Each method has a file of its name at the top of the family's folder, which tells the methods
    in `__all__` from bases and functions. A public class of another kind that has one too is among
    them; only `Prediction` of the tasks, which no setting names, is one.
    """
    package = f"plait.{family.name}"
    return sorted(
        name
        for name, home in homes(package).items()
        if home.removeprefix(f"{package}.").replace("_", "") == name.lower()
    )


def check_listed(name: str, family: Family) -> None:
    """Raises `ConfigError` for a name that is neither a method's nor a path; loads no method."""
    if ":" not in name and name not in listed(family):
        raise ConfigError(unknown(family.noun, name, listed(family)))


def kebab(name: str) -> str:
    """Returns a class name in kebab case.

    Example:
        >>> kebab("OxfordPets")
        'oxford-pets'
    """
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def is_base(cls: type[Any]) -> bool:
    """Tells whether a class is a base, made to be derived from.

    That is one with abstract methods, or one that names `ABC` among its own bases, where a subclass
    chooses among methods that all do nothing by themselves.
    """
    return inspect.isabstract(cls) or ABC in cls.__bases__


def parameters(cls: type[Any]) -> dict[str, inspect.Parameter]:
    """Returns the named parameters of a class's constructor."""
    signature = inspect.signature(cls)
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: p for name, p in signature.parameters.items() if p.kind not in variable}


def attributes_of(instance: Any) -> dict[str, Any]:
    """Returns the attributes of an object by name; empty for one that has none of its own."""
    own = getattr(instance, "__dict__", {})
    return {**own, **own.get("_modules", {})}  # torch keeps an attribute that is a module apart


def options_of(instance: Any, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the constructor's arguments of `instance`, read from attributes of the same names.

    Args:
        instance: an object that keeps its arguments under their own names.
        leave_out: arguments that are not wanted.

    Raises:
        ConfigError: an argument is not kept under its own name.
    """
    wanted = [name for name in parameters(type(instance)) if name not in leave_out]
    kept = attributes_of(instance)
    missing = [name for name in wanted if name not in kept]
    if missing:
        raise ConfigError(
            f"{type(instance).__name__} does not keep its argument {missing[0]!r} as an attribute "
            "of that name, so it cannot be described in a file."
        )
    return {name: kept[name] for name in wanted}
