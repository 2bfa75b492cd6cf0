"""The parts of a docstring as text."""

from __future__ import annotations

import inspect
import re

ARGUMENTS = re.compile(r"^(?:Args|Attributes):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
ARGUMENT = re.compile(r"^    (\w[\w, ]*): (.*?)(?=^    \S|\Z)", re.MULTILINE | re.DOTALL)


def summary_of(method: type) -> str:
    """Returns the first line of a docstring; "" without one."""
    return (inspect.getdoc(method) or "").split("\n", 1)[0]


def part_of(method: type, name: str) -> str:
    """Returns the text of a part of a docstring, such as "Cost", in one line; "" without it.

    Example:
        >>> class Method:
        ...     '''Does a thing.
        ...
        ...     Cost: one pass,
        ...         and no memory.
        ...     '''
        >>> summary_of(Method), part_of(Method, "Cost"), part_of(Method, "Reference")
        ('Does a thing.', 'one pass, and no memory.', '')
    """
    doc = inspect.getdoc(method) or ""
    pattern = rf"^{name}(?: \([^)]*\))?: (.*?)(?=^\S|\Z)"
    found = re.search(pattern, doc, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def arguments_of(method: type) -> dict[str, str]:
    """Returns `{argument: meaning}` from the parts "Args" and "Attributes", bases first.

    Example:
        >>> class Method:
        ...     '''Does a thing.
        ...
        ...     Args:
        ...         low, high: limits,
        ...             both positive.
        ...     '''
        >>> arguments_of(Method)
        {'low': 'limits, both positive.', 'high': 'limits, both positive.'}
    """
    found: dict[str, str] = {}
    for each in reversed(method.__mro__):
        doc = inspect.cleandoc(each.__doc__ or "")
        for part in ARGUMENTS.findall(doc):
            for names, text in ARGUMENT.findall(part):
                meaning = " ".join(text.split())
                found |= {name.strip(): meaning for name in names.split(",")}
    return found
