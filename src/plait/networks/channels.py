"""The axis of the channels of an encoder that does not say it: found, or asked for."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.core.structure import map_tensors, tensors
from plait.networks.examples import on_meta
from plait.networks.halves import owns_parameters
from plait.networks.modes import on_trial
from plait.networks.stages import encode, name_of, run_stage, stages_of, unmasked

FIRST = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d, nn.Upsample),
)
LAST = (
    *(nn.Linear, nn.Embedding, nn.LayerNorm, nn.RMSNorm, nn.LSTM, nn.GRU, nn.RNN),
    *(nn.MultiheadAttention, nn.TransformerEncoder, nn.TransformerEncoderLayer),
)
KEEPING = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh),
    *(nn.Sigmoid, nn.Softplus, nn.Hardswish, nn.PReLU, nn.Identity),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
)


def check_channels(encoder: nn.Module, example: Any, shape: FeatureShape) -> None:
    """Raises `ConfigError` where levels may have their channels last and the encoder is silent.

    Tokens `[B, N, D]` and maps `[B, H, W, C]` look like `[B, C, L]` and `[B, C, H, W]`. Two things
    tell them apart: the axes that grow where the inputs do are positions, and a layer of torch
    knows the axis of its channels. Where neither does, plait asks.

    Args:
        encoder: any module; one with an attribute `channel_dim` has said it.
        example: one batch of inputs.
        shape: of its levels, read as channels first.
    """
    if hasattr(encoder, "channel_dim") or all(len(level) == 1 for level in shape.levels):
        return
    found = channel_axes(encoder, example, shape)
    name, last = name_of(encoder), max(shape.levels, key=len)
    if 1 in found and -1 in found:
        stages = [found.index(1), found.index(-1)]
        raise ConfigError(
            f"stage {stages[0]} of {name} has its channels on axis 1 and stage {stages[1]} on the "
            "last one; `channel_dim` is one for all. Let a function between the stages permute "
            "them, and name it in `as_staged`."
        )
    hands_on_maps = len(last) > 2 and not owns_parameters(encoder)  # the images as they came
    if 1 in found or hands_on_maps:
        return
    sizes = ", ".join(map(str, ("B", *last)))
    known = "the last axis is that of the channels" if -1 in found else "either may be the channels"
    raise ConfigError(
        f"{name} must say on which axis its channels are: it gives [{sizes}], and {known}. Write "
        "`encoder.channel_dim = -1` for tokens [B, N, C] and maps [B, H, W, C], or 1 for "
        "[B, C, ...]; `as_staged` takes `channel_dim` too."
    )


def channel_axes(encoder: nn.Module, example: Any, shape: FeatureShape) -> list[int | None]:
    """Returns 1, -1, or None where nothing tells, for each level."""
    with on_trial(encoder) as (trial, copied):
        if not copied:
            return _by_layers(trial, example, len(shape.levels))
        meta = copy.deepcopy(trial).to("meta")
        known = _by_layers(meta, map_tensors(on_meta, example), len(shape.levels))
        if not any(known):  # it may not run without memory
            known = _by_layers(trial, example, len(shape.levels))
        grown = [set[int]() for _ in known] if all(known) else _grown(meta, example, shape)
    return [
        layer or _by_growth(axes, len(level))
        for layer, axes, level in zip(known, grown, shape.levels, strict=True)
    ]


def _by_growth(grown: set[int], last: int) -> int | None:
    if last < 2 or (1 in grown) == (last in grown):
        return None
    return -1 if 1 in grown else 1


def _grown(meta: nn.Module, example: Any, shape: FeatureShape) -> list[set[int]]:
    """Returns the axes of each level that grow if an axis of the inputs does.

    Those of levels before the first parameter are left out: there channels may grow as well.
    """
    grown: list[set[int]] = [set() for _ in shape.levels]
    inputs = list(tensors(example))
    axes = {axis for tensor in inputs for axis in range(1, tensor.dim())}
    sizes = {size for tensor in inputs for size in tensor.shape[1:]}
    for chosen in [*(("axis", axis) for axis in axes), *(("size", size) for size in sizes)]:

        def larger(tensor: Tensor, chosen: tuple[str, int] = chosen) -> Tensor:
            wanted = [
                size * 2 if chosen in (("axis", axis), ("size", size)) else size
                for axis, size in enumerate(tensor.shape[1:], start=1)
            ]
            return torch.empty(2, *wanted, dtype=tensor.dtype, device="meta")

        levels = _levels_until_failure(meta, map_tensors(larger, example))
        for number, (level, before) in enumerate(zip(levels, shape.levels, strict=False)):
            if level.dim() == len(before) + 1:
                pairs = enumerate(zip(level.shape[1:], before, strict=True), start=1)
                grown[number] |= {axis for axis, (now, old) in pairs if now != old}
    learns = [owns_parameters(stage) for stage in stages_of(meta)]
    return [axes if any(learns[: n + 1]) else set() for n, axes in enumerate(grown)]


def _levels_until_failure(meta: nn.Module, inputs: Any) -> list[Tensor]:
    """Returns the outputs of the stages up to the first that inputs of this size do not fit."""
    levels: list[Tensor] = []
    hidden, mask = unmasked(inputs, meta)
    for stage in stages_of(meta):
        try:
            hidden = run_stage(stage, hidden, mask)
        except Exception:
            break
        if not isinstance(hidden, Tensor):
            break
        levels.append(hidden)
    return levels


def _by_layers(trial: nn.Module, example: Any, levels: int) -> list[int | None]:
    """Returns the axis that the layer knows whose output a level is."""
    known: dict[int, tuple[Tensor, int | None]] = {}  # the tensor is held, and its id with it

    def note(layer: nn.Module, inputs: Sequence[Any], output: Any) -> None:
        value = next(tensors(output), None)
        if value is None or value.dim() < 3:
            return
        if type(layer) in KEEPING:
            entered = next(tensors(list(inputs)), None)
            axis = known.get(id(entered), (None, None))[1]
        else:
            axis = 1 if type(layer) in FIRST else -1 if type(layer) in LAST else None
        if axis is not None:
            known[id(value)] = (value, axis)

    hooks = [layer.register_forward_hook(note) for layer in trial.modules()]
    try:
        found = encode(trial, map_tensors(lambda tensor: tensor[:2].detach(), example)).levels
    except Exception:  # on the values of the example it does not run, which tells nothing
        return [None] * levels
    finally:
        for hook in hooks:
            hook.remove()
    return [known.get(id(level), (None, None))[1] for level in found]
