"""A staged view of any module, by the names of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from plait.core.errors import ConfigError, ShapeError, suggest
from plait.core.structure import map_tensors, tensors
from plait.networks.modes import evaluating
from plait.networks.padding import check_padding
from plait.networks.stages import Stage, Staged, channel_dim_of, run_stage, unmasked


def as_staged(
    module: nn.Module,
    parts: Sequence[str | Stage] | None = None,
    *,
    cuts: Sequence[int] | None = None,
    channel_dim: int | None = None,
    example: Any = None,
) -> nn.Module:
    """Gives any module a staged view.

    Args:
        module: the module to adapt; it is used, not copied.
        parts: dotted names of sub-modules, or callables such as `torch.flatten`, in the order in
            which the module applies them; ``[module]`` makes it one stage, whatever `stages` it
            has. A callable must hold no parameters that are not the
            module's, and a function must not close over the module: a copy would keep the original.
        cuts: for an `nn.Sequential` in place of `parts`: group its children, with a cut after each
            of these numbers of children; ``cuts=[2, 4]`` on six children gives three stages of two.
        channel_dim: axis of the channels in the stage outputs, 1, or -1 (tokens, and maps with the
            channels last); what the module says by default, and else it is found, or asked for,
            when a model is built.
        example: a batch of inputs; if given, the composed stages are run on it against the module
            itself, in eval mode, and must agree exactly. Of a `Masked` one real positions must not
            depend on the padding.

    Raises:
        ConfigError: a name is no sub-module, both or neither of `parts` and `cuts` are given, or on
            `example` a stage should be given the padding mask.
        ShapeError: on `example` the composition differs from the module.

    Example:
        >>> from plait.networks import stages_of
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
        >>> len(stages_of(as_staged(net, cuts=[2])))
        2
    """
    if (parts is None) == (cuts is None):
        raise ConfigError("`as_staged` takes `parts` or `cuts`, one of the two.")
    if cuts is not None:
        parts = _groups(module, cuts)
    assert parts is not None
    known = [name for name, _ in module.named_modules() if name]
    for part in parts:
        if isinstance(part, str) and part not in known:
            raise ConfigError(
                f"{type(module).__name__} has no part {part!r}.{suggest(part, known)}"
            )
        if isinstance(part, nn.Module):
            _check_owned(module, part)
    staged = Staged(module, parts, channel_dim)
    channel_dim_of(staged)
    if example is not None:
        _verify(module, staged, example)
    return staged


def _check_owned(module: nn.Module, part: nn.Module) -> None:
    """Raises for parameters that neither a device move nor an optimizer of the module reaches."""
    own = set(module.parameters())
    if any(parameter not in own for parameter in part.parameters()):
        raise ConfigError(
            f"the part {type(part).__name__} has parameters that are not those of "
            f"{type(module).__name__}, so they would not be trained. Put both into one module, and "
            "adapt that."
        )


def _groups(module: nn.Module, cuts: Sequence[int]) -> list[Stage]:
    if not isinstance(module, nn.Sequential):
        raise ConfigError(
            f"`cuts` groups the children of an nn.Sequential; found {type(module).__name__}."
        )
    bounds = [0, *cuts, len(module)]
    if bounds != sorted(set(bounds)):
        raise ConfigError(f"`cuts` must rise within 1..{len(module) - 1}; found {list(cuts)}.")
    groups: list[Stage] = [module[a:b] for a, b in pairwise(bounds)]
    return groups


def _verify(module: nn.Module, staged: Staged, example: Any) -> None:
    # clones: the first module of a net may write into its input
    inputs, again = (map_tensors(torch.clone, example) for _ in range(2))
    values, mask = unmasked(inputs, module)
    with evaluating(module), torch.no_grad(), torch.random.fork_rng(devices=[]):
        whole, composed = run_stage(module, values, mask), staged(again)
    first = next(tensors(whole), None)  # others are by-products, such as the state of an LSTM
    if first is None or first.shape != composed.shape or not torch.equal(first, composed):
        raise ShapeError(
            f"the stages {staged.parts} do not compose to {type(module).__name__}: on the example "
            "their result differs from the module's. Name every part that it applies, in its order."
        )
    check_padding(staged, example)
