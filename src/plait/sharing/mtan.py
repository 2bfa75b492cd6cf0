"""Attention of each task over the stages of one trunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, unknown
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.outputs import TaskFeatures
from plait.core.seeding import seeded
from plait.core.structure import input_of
from plait.core.watched import Watched
from plait.networks import (
    EncoderLike,
    Stage,
    block_shapes,
    blocks_of,
    channel_dim_of,
    grid_of,
    instance,
    is_chain,
    one_tensor,
    reads_codes,
    remaining,
    run_all,
    shape_of_run,
    unmasked,
)
from plait.networks.grids import Pooling, mean_over, resample
from plait.sharing.base import Sharing
from plait.sharing.stages.attention import Layers, ProjectedBlock, mask_layers

Refine = Literal["conv", "basic", "bottleneck"]
REFINES = ("conv", "basic", "bottleneck")


class StageValues(NamedTuple):
    """The values of the trunk at one stage: before its last part, and its output."""

    before: Tensor
    output: Tensor


class MTAN(Sharing):
    """One trunk, from whose stages each task picks its features by soft masks.

        m_s = sigmoid(norm(W2 relu(norm(W1 [b_s, r_(s-1)])))),    a_s = m_s * t_s,
        r_s = refine_s(a_s)

    with t_s the output of stage s, b_s the value before the last part of that stage, and a_s the
    features of the task; W1 and W2 act at each position (convolutions 1x1) and are the task's own.
    At the first stage b_1 enters alone. ``refine_s`` is one block of layers for all tasks; its
    output is pooled to the grid of stage s + 1. The masks are in (0, 1), and the last a_s is what
    the head reads; the others are the finer levels.

    A stage is a stage of the encoder with those without parameters that follow it. Its last part is
    the last child of an `nn.Sequential`; a stage of one part reads its input as b_s, pooled to the
    grid of t_s, or t_s itself where the input is no tensor of numbers (token ids), or a row of a
    table, which has codes and NaN in it.

    Args:
        encoder: any module, or a factory of one. It is used, not copied. Stages of several blocks
            each, as in a ResNet, are what the method was made for.
        refine: "conv" (layer 3x3, norm, ReLU; as in the authors' SegNet), "basic" or "bottleneck"
            (the residual blocks of a ResNet, with a projection 1x1; as in its ResNets).
        reduction: W1 gives 1 / `reduction` of the channels of t_s; at least 1. The default is that
            of SegNet and of ResNets of basic blocks; 4 is that of bottlenecks.
        pooling: "max" or "mean", wherever a grid becomes coarser.

    Shapes:
        the levels have the shapes of the stages' outputs. On vectors and tokens the convolutions
        are linear layers, with layer norm in place of batch norm, which needs no other examples.

    Raises:
        ConfigError: an option outside its range.
        ShapeError: a stage gives maps of more than three axes.

    Differs: from the authors' code in that layers in front of a batch norm have no bias (it takes
        it out again), that a batch with one value per channel is normalised by the running
        statistics, and that stages, channels and grids are found, not named.

    Cost: one pass of the trunk, and for each task two layers 1x1 and one refining block per stage;
        with `PerTask` inputs a pass of the trunk each.

    Reference: Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        refine: Refine = "conv",
        reduction: int = 1,
        pooling: Pooling = "max",
    ) -> None:
        super().__init__()
        if refine not in REFINES:
            raise ConfigError(unknown("`refine`", refine, REFINES))
        if pooling not in ("max", "mean"):
            raise ConfigError(f"`pooling` must be 'max' or 'mean'; found {pooling!r}.")
        if not isinstance(reduction, int) or reduction < 1:
            raise ConfigError(
                f"`reduction` must be a whole number of at least 1; found {reduction!r}. Take 1 "
                "for as many channels as the stage has, 4 for a quarter."
            )
        self.encoder = instance(encoder)
        self.refine = refine
        self.reduction = reduction
        self.pooling = pooling
        self.attention = nn.ModuleDict()
        self.refining = nn.ModuleList()

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Builds the attention of each task, and the blocks that refine."""
        self.tasks = tuple(tasks)
        self.shapes = {task: block_shapes(self.encoder, input_of(task, example)) for task in tasks}
        shape = self.shapes[tasks[0]]
        widths = [shape.channels(level) for level in range(len(shape.levels))]
        befores = shape_of_run(_befores, self.encoder, input_of(tasks[0], example))
        before = [befores.channels(level) for level in range(len(befores.levels))]
        layers = [Layers.of(level, shape.channel_dim) for level in shape.levels]
        for task in tasks:
            with seeded(seed, "attention", task):
                self.attention[safe_key(task)] = nn.ModuleList(
                    mask_layers(layers[s], before[s] + widths[s] * (s > 0), self._mid(width), width)
                    for s, width in enumerate(widths)
                )
        with seeded(seed, "refine"):
            self.refining = nn.ModuleList(
                self._refine(layers[s], widths[s], widths[s + 1]) for s in range(len(widths) - 1)
            )

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs the trunk once, and each wanted task's attention over its stages."""
        trunk = stage_values(self.encoder, inputs)
        found: dict[str, Features] = {}
        opened: dict[str, Tensor] = {}
        channel_dim = channel_dim_of(self.encoder)
        mask = remaining(unmasked(inputs, self.encoder)[1], self.encoder)
        grid = grid_of(inputs, self.encoder)
        laid = [
            StageValues(self._onto(output, before, mask), output)  # once for all tasks
            for before, output in trunk
        ]
        for task in tasks:
            levels, means = self._attend(task, laid, mask)
            found[task] = Features(tuple(levels), channel_dim, mask, grid)
            opened[task] = torch.stack(means)
        columns = tuple(f"stage {s + 1}" for s in range(len(self.refining) + 1))
        return TaskFeatures(found, watched={"MTAN: mean of the masks": Watched(opened, columns)})

    def prototype(self) -> nn.Module:
        """Returns the trunk."""
        return self.encoder

    def _attend(
        self, task: str, laid: Sequence[StageValues], mask: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the task's features at each stage, and the means of its masks.

        Args:
            task: the one.
            laid: of the trunk, with what attention reads on the grid of what it masks.
            mask: of the padding.
        """
        axis = channel_dim_of(self.encoder)
        levels: list[Tensor] = []
        means: list[Tensor] = []
        attention = self.attention[safe_key(task)]
        assert isinstance(attention, nn.ModuleList)
        refined: Tensor | None = None
        for s, (read, output) in enumerate(laid):
            if refined is not None:
                read = torch.cat([read, self._onto(output, refined, mask)], dim=axis)
            chosen = attention[s](read)
            levels.append(chosen * output)
            means.append(mean_over(chosen.detach(), axis, mask))
            if s + 1 < len(laid):
                refined = self.refining[s](levels[-1])
        return levels, means

    def _onto(self, output: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Lays a value on the grid of a stage's output."""
        axis = channel_dim_of(self.encoder)
        grid = output.movedim(axis, 1).shape[2:]
        return resample(value, grid, channel_dim=axis, by=self.pooling, mask=mask)

    def _mid(self, width: int) -> int:
        return max(width // self.reduction, 1)

    def _refine(self, layers: Layers, fan_in: int, fan_out: int) -> nn.Module:
        if self.refine == "conv":
            return nn.Sequential(layers.linear(fan_in, fan_out, 3), layers.norm(fan_out), nn.ReLU())
        return ProjectedBlock(layers, fan_in, fan_out, bottleneck=self.refine == "bottleneck")


def stage_values(encoder: nn.Module, inputs: Any) -> list[StageValues]:
    """Runs the trunk; returns of each stage the value that attention reads and the one it masks."""
    hidden, mask = unmasked(inputs, encoder)
    row = hidden if reads_codes(encoder) else None
    found: list[StageValues] = []
    for position, block in enumerate(blocks_of(encoder)):
        parts = _parts(block)
        before = run_all(parts[:-1], hidden, mask)
        hidden = one_tensor(run_all(parts[-1:], before, mask), position, encoder)
        numbers = isinstance(before, Tensor) and before.is_floating_point() and before is not row
        found.append(StageValues(before if numbers else hidden, hidden))
    return found


def _befores(encoder: nn.Module, inputs: Any) -> Features:
    before = tuple(each.before for each in stage_values(encoder, inputs))
    return Features(before, channel_dim_of(encoder))


def _parts(block: Sequence[Stage]) -> list[Stage]:
    """Returns the parts of a stage: the children of an `nn.Sequential`, or its own stages."""
    only = block[0] if len(block) == 1 else None
    return list(only) if only is not None and is_chain(only) and len(only) else list(block)
