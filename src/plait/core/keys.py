"""Task names as keys of `ModuleDict` and `ParameterDict`, which allow no dot in a name."""

from __future__ import annotations


def safe_key(name: str) -> str:
    """Returns a reversible key without dots, and never the name of an attribute of `nn.Module`.

    Example:
        >>> safe_key("ctr.v2"), safe_key("100%")
        ('task:ctr%2Ev2', 'task:100%25')
    """
    return "task:" + name.replace("%", "%25").replace(".", "%2E")


def unit_key(number: int, name: str) -> str:
    """Returns a key for what a task of this name has at a place of this number.

    Example:
        >>> unit_key(2, "ctr.v2")
        '2:task:ctr%2Ev2'
    """
    return f"{number}:{safe_key(name)}"
