"""The papers behind the methods of a run, from the docstrings of their classes.

They are read from the source, so that neither torch nor code of strangers is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from plait.core.families import FAMILIES
from plait.core.lazy import homes

_REFERENCE = re.compile(r"^Reference(?: \([^)]*\))?: (.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def methods_of(config: Mapping[str, Any]) -> list[str]:
    """Returns the names of the methods that a resolved configuration uses, each once."""
    keys = [family.setting for family in FAMILIES.values() if family.setting]
    roots = [value for key, value in config.items() if key in keys or key == "balancer"]
    return list(dict.fromkeys(name for root in roots for name in _classes(root)))


def reference_of(method: str) -> str:
    """Returns the reference of a method of plait in one line; "" if it has or is none.

    Example:
        >>> reference_of("Hard")[:32]
        'Caruana, "Multitask Learning", M'
    """
    found = _REFERENCE.search(_docstring(method))
    return " ".join(found[1].split()) if found else ""


def _classes(value: Any) -> Iterator[str]:
    """Yields the classes named in a part of a configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        if isinstance(value.get("class"), str):
            yield value["class"]
        for key, inner in value.items():
            if key != "class" and isinstance(inner, Mapping | list):
                yield from _classes(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            if isinstance(inner, Mapping):
                yield from _classes(inner)


@cache
def _docstring(method: str) -> str:
    for family in FAMILIES.values():
        module = homes(f"plait.{family.name}").get(method)
        if module is not None:
            tree = ast.parse(_source(module))
            kinds = ast.ClassDef | ast.FunctionDef
            nodes = (node for node in ast.walk(tree) if isinstance(node, kinds))
            return next(
                (ast.get_docstring(node) or "" for node in nodes if node.name == method), ""
            )
    return ""


def _source(module: str) -> str:
    """Returns the text of a module of plait, without importing it."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0], *inner)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text("utf-8")
