"""The parts of a network that run one after the other, found and compared with the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.networks import is_chain
from plait.networks.modes import on_trial

Own = Callable[[nn.Module, Any], Any]


def chain_of(module: nn.Module, example: Any, own: Own) -> list[nn.Module] | None:
    """Returns the parts whose composition is what a module computes, in the order of their running.

    They are its children, with lists and sequences among them taken apart. Their composition has
    to give exactly what the module gives, in evaluation and in training, with other weights than
    it has: what is an identity at the start would not be missed otherwise.

    Args:
        module: another library's; it stays as it is.
        example: one batch of its inputs.
        own: runs a module on inputs, and returns the tensor that is to be composed.

    Returns:
        None where the children do not compose to it, since it does something between them.
    """
    with on_trial(module) as (trial, copied):
        if not copied:
            return None
        disturb(trial)
        for expand in (_children, _inner):
            length = _length(trial, list(expand(trial)), example, own)
            if length:
                return list(expand(module))[:length]
    return None


def disturb(module: nn.Module) -> None:
    """Changes every weight a little, and so that none is 0 or 1 any more."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(0.05 * noise.to(parameter))


def _children(module: nn.Module) -> Iterator[nn.Module]:
    """Yields the children of a module; those of lists and sequences in their place."""
    for child in module.children():
        if isinstance(child, nn.ModuleList) or is_chain(child):
            yield from child.children()
        else:
            yield child


def _inner(module: nn.Module) -> Iterator[nn.Module]:
    """Yields likewise; a module that holds nothing but lists, such as an encoder, is one too."""
    for child in module.children():
        inside = list(child.children())
        if inside and all(isinstance(each, nn.ModuleList) for each in inside):
            yield from _children(child)
        elif isinstance(child, nn.ModuleList) or is_chain(child):
            yield from child.children()
        else:
            yield child


def _length(trial: nn.Module, parts: Sequence[nn.Module], example: Any, own: Own) -> int:
    """Returns the number of parts, from the first, that compose to the module; 0 if none do."""
    wanted = _of(lambda: own(trial.eval(), example))
    if not isinstance(wanted, Tensor):
        return 0
    found, hidden = 0, example.clone()
    for number, part in enumerate(parts, start=1):
        try:
            hidden = part(hidden)
        except Exception:  # a part that takes something else: the module does more than compose
            break
        if not isinstance(hidden, Tensor):
            break
        if hidden.shape == wanted.shape and torch.equal(hidden, wanted):
            found = number
            break
        hidden = hidden.clone()  # the next part may work in place
    if not found:
        return 0
    trial.train()
    chain = parts[:found]
    learned, composed = (
        _of(lambda: own(trial, example.clone())),
        _of(lambda: _composed(chain, example.clone())),
    )
    same = isinstance(learned, Tensor) and isinstance(composed, Tensor)
    return found if same and torch.equal(learned, composed) else 0


def _composed(parts: Sequence[nn.Module], hidden: Any) -> Any:
    for part in parts:
        hidden = part(hidden)
    return hidden


def _of(run: Callable[[], Any]) -> Any:
    """Runs with one random state for all."""
    torch.manual_seed(0)
    return run()
