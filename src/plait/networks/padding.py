"""A trial on the example that padding changes nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.features import Features
from plait.core.structure import Masked
from plait.networks.modes import on_trial
from plait.networks.own_forward import telling
from plait.networks.stages import Stage, encode, name_of, stages_of

TOLERANCE = 1e-4  # of the largest number of a level; real positions that read padding exceed it


def check_padding(encoder: nn.Module, example: Any) -> None:
    """Raises `ConfigError` if real positions depend on what stands in the padding.

    So it is where attention is not given the mask, or has it inverted. The encoder runs on two
    paddings of one input; the first level that differs at real positions tells the stage. A stage
    that says ``masked = False`` is taken at its word, and what follows it too.

    Args:
        encoder: any module.
        example: one batch of inputs; without `Masked` nothing is tried.
    """
    if not isinstance(example, Masked) or any(each.is_meta for each in encoder.parameters()):
        return
    values, mask = telling(example, encoder)
    if values.dim() < 2 or mask.shape != values.shape[:2] or mask.shape[1] < 2:
        return
    real = _half_real(mask)
    with on_trial(encoder) as (trial, _):
        torch.manual_seed(0)
        one = encode(trial, Masked(values.clone(), real))
        for other in _repadded(values, real):
            try:
                two = encode(trial, Masked(other, real))
            except (IndexError, RuntimeError):  # the example knows one token; the next is none
                continue
            _compare(encoder, one, two, real)


def _half_real(mask: Tensor) -> Tensor:
    """Returns a mask with padding in the second row alone, on the side where the example has it."""
    length = mask.shape[1]
    position = torch.arange(length, device=mask.device)
    left = bool((~mask[:, 0] & mask.any(dim=1)).any())
    second = position >= length - length // 2 if left else position < max(length // 2, 1)
    return torch.stack([torch.ones_like(second), second])


def _repadded(values: Tensor, real: Tensor) -> list[Tensor]:
    """Returns the values with other numbers in the padding."""
    padding = ~real.view(*real.shape, *[1] * (values.dim() - 2)).expand_as(values)
    if values.is_floating_point():
        drawn = torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
        return [torch.where(padding, 3 * drawn.to(values), values)]
    # Codes of different kinds, such as a word's and those of its parts, lie on the last axes
    least, most = (each(values, dim=(0, 1), keepdim=True) for each in (torch.amin, torch.amax))
    others = [least, most] if bool((least < most).any()) else [least + 1]
    return [torch.where(padding, other, values) for other in others]


def _compare(encoder: nn.Module, one: Features, two: Features, real: Tensor) -> None:
    stages = stages_of(encoder)
    for number, (first, second) in enumerate(zip(one.levels, two.levels, strict=True)):
        if not first.is_floating_point() or first.shape != second.shape:
            continue
        left, right = (_second_row(each, one.channel_dim, real) for each in (first, second))
        if left is None or right is None:
            continue
        size = float(left.abs().max()) + 1e-12
        if float((left - right).abs().max()) <= TOLERANCE * size:
            continue
        said = _declared(stages[number])
        if said is False or getattr(encoder, "masked", None) is False:
            return
        what = f"stage {number} of {name_of(encoder)}"
        if said:
            raise ConfigError(
                f"{what} declares `masked`, yet at real positions its output depends on the "
                "padding. Is the mask inverted? plait's is True where a position is real. Where a "
                "norm or a convolution reads beyond the mask, let `forward` fill the padding with "
                "0 first: `values.masked_fill(~mask, 0)`."
            )
        raise ConfigError(
            f"{what} is not given the padding mask, and at real positions its output depends on "
            "the padding. Declare `masked = True` on a module whose forward takes `mask`, True "
            "where a position is real; or `masked = False` if that is meant."
        )


def _second_row(level: Tensor, channel_dim: int, real: Tensor) -> Tensor | None:
    """Returns the real positions of a level; None where it has not one for each of the mask."""
    row = level[1]
    if row.dim() == 1:
        return row
    tokens = row.movedim(channel_dim if channel_dim == -1 else 0, -1)
    if row.dim() != 2 or tokens.shape[0] != real.shape[1]:
        return None
    return tokens[real[1]]


def _declared(stage: Stage) -> bool | None:
    """Returns `masked` of a stage or of the modules in it; None if none of them has it."""
    modules = stage.modules() if isinstance(stage, nn.Module) else [stage]
    said = [bool(each.masked) for each in modules if hasattr(each, "masked")]
    return None if not said else all(said)
