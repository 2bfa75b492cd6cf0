"""Task names as keys of `ModuleDict` and `ParameterDict`, which allow no dot in a name."""

from __future__ import annotations


def safe_key(name: str) -> str:
    """Returns a reversible key without dots, and never the name of an attribute of `nn.Module`.

    Example:
        >>> safe_key("ctr.v2"), safe_key("100%")
        ('task:ctr%2Ev2', 'task:100%25')
    """
    return "task:" + name.replace("%", "%25").replace(".", "%2E")
