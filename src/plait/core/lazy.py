"""Packages whose public names load on first use, so that what needs no torch does not wait for it.

Such a package writes its imports below ``if TYPE_CHECKING:``, where type checkers and editors read
them, and ends with ``lazy(__name__)``. The same lines are read here, so that a name and its home
are written once.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


def lazy(package: str) -> None:
    """Makes the public names of a package load on first use.

    Args:
        package: its name, ``__name__`` in its own `__init__`.
    """
    # Python's way to give a module attributes of its own making ("customizing module attribute
    # access"): a module-level `__getattr__` would not be asked where a module has a public name.
    sys.modules[package].__class__ = LazyPackage


class LazyPackage(ModuleType):
    """A package that imports a public name, or one of its modules, when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name in homes(self.__name__):
            value = getattr(importlib.import_module(homes(self.__name__)[name]), name)
            setattr(self, name, value)
            return value
        if not name.startswith("_") and find_spec(f"{self.__name__}.{name}") is not None:
            return importlib.import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the module `run` sets that attribute of its package; it must not hide the
        # public function `run`.
        if not (isinstance(value, ModuleType) and name in homes(self.__name__)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # A function that is sent to another process by value takes its modules along by name, but
        # pickling knows those of the plain type alone.
        return importlib.import_module, (self.__name__,)

    def __dir__(self) -> list[str]:
        import pkgutil

        inside = (each.name for each in pkgutil.iter_modules(self.__path__))
        public = (name for name in inside if not name.startswith("_"))
        return sorted({*vars(self), *homes(self.__name__), *public})


@cache
def homes(package: str) -> dict[str, str]:
    """Returns `{public name: module that defines it}` of a package, without importing it.

    They are read from the statements ``from module import name`` of its `__init__`.

    Example:
        >>> homes("plait.core")["Batch"]
        'plait.core.batch'
    """
    import ast  # here: whoever asks for no name has not to wait for it

    # The parents must not be imported either, which `find_spec` of the whole name would do.
    top, *inner = package.split(".")
    spec = find_spec(top)
    assert spec is not None and spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0], *inner, "__init__.py").read_text("utf-8")
    return {
        alias.name: statement.module
        for statement in ast.walk(ast.parse(source))
        if isinstance(statement, ast.ImportFrom) and statement.module
        if statement.module.startswith(f"{package}.") and statement.module != __name__
        for alias in statement.names
    }
