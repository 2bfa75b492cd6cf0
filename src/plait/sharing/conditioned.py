"""One trunk whose layers are conditioned on the task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from plait.core.features import Features
from plait.core.outputs import TaskFeatures
from plait.core.structure import passes_of
from plait.networks import (
    EncoderLike,
    channel_dim_of,
    copy_of,
    grid_of,
    infer_shape,
    one_tensor,
    remaining,
    run_stage,
    stages_of,
    unmasked,
)
from plait.sharing.base import Sharing
from plait.sharing.conditioning import Conditioner, Film
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.channels import STATISTICS
from plait.sharing.conditioning.layers.trunk import conditioned, conditioned_layers, plain


class Conditioned(Sharing):
    """One trunk for all tasks, with a few parameters of each task in its layers.

        z_t = f(x; theta, phi_t),    y_t = h_t(z_t)

    theta is shared and large, phi_t is task t's own and small. What phi_t does to a layer g is said
    by an object of its own: `Film` (the default) scales and shifts its channels, `Norm` is a
    normalisation layer for each task, `Adapter` adds a small map, `LoRA` an update of low rank to
    its weights, and `Masks` chooses channels. But for masks, every task starts from the plain trunk
    exactly.

    Args:
        encoder: any module, or a factory of one. It is copied, not used itself.
        by: how a layer is conditioned, one of `plait.sharing.conditioning`: ``by=LoRA(rank=8)``; on
            the command line ``sharing.by=LoRA sharing.by.rank=8``. `Film()` by default. Transposed
            convolutions are never conditioned.
        scope: a pattern of names of layers, such as ``"stages.2.*"``; all by default. Layers that
            do not run with the encoder are left out.
        frozen: whether theta stays as it is, running statistics included; phi_t learns.

    Raises (in `setup`):
        ConfigError: `scope` matches no layer that can be conditioned.

    Example:
        >>> import torch
        >>> from plait.sharing.conditioning import LoRA
        >>> sharing = Conditioned(nn.Linear(5, 4), by=LoRA(rank=2))
        >>> sharing.setup(["a", "b"], torch.zeros(2, 5))
        >>> sum(parameter.numel() for parameter in sharing.parameters())  # 24 + 2 x 2 x (5 + 4)
        60

    Differs: it is the frame of several papers; what differs from each is said by the objects.

    Cost: one pass for each wanted task of the stages from the first conditioned one on; the stages
        before it run once for a common input. Batch normalisation that the tasks share sees as many
        batches as passes.

    Reference: those of `Film`, `Norm`, `Adapter`, `LoRA` and `Masks`.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        by: Conditioner | None = None,
        scope: str = "*",
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.by = Film() if by is None else by
        self.scope = scope
        self.frozen = frozen
        self._active = Active()
        self._source = [encoder]
        self._first = 0  # the first stage with a conditioned layer
        self.trunk: nn.Module = nn.Identity()

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Conditions the layers and finds the shapes of the features."""
        encoder = copy_of(self._take_source(), "clone", seed)
        self.tasks = tuple(tasks)
        passes = passes_of(example, tasks)
        examples = [inputs for inputs, _ in passes]
        self.trunk = conditioned(encoder, self.by, self.scope, tasks, examples, seed, self._active)
        layers = [conditioned_layers(stage) for stage in stages_of(self.trunk)]
        self._first = next(position for position, found in enumerate(layers) if found)
        for inputs, readers in passes:
            with self._passing(readers[0]):
                self.shapes |= dict.fromkeys(readers, infer_shape(self.trunk, inputs))
        if self.frozen:
            own = {id(p) for each in conditioned_layers(self.trunk) for p in each.own.parameters()}
            for parameter in self.trunk.parameters():
                parameter.requires_grad_(id(parameter) in own)
            self.train(self.training)

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs the trunk once for each task, with the task's own conditioning."""
        values, mask = unmasked(inputs, self.trunk)
        before, after = range(self._first), range(self._first, len(stages_of(self.trunk)))
        common = self._levels(before, values, mask)
        grid = grid_of(inputs, self.trunk)
        whole = Features((), channel_dim_of(self.trunk), remaining(mask, self.trunk), grid)
        found = TaskFeatures({})
        for task in tasks:
            with self._passing(task):
                hidden = common[-1] if common else values
                levels = common + self._levels(after, hidden, mask)
            found[task] = replace(whole, levels=tuple(levels))
        return found

    def train(self, mode: bool = True) -> Conditioned:
        """Sets the mode; statistics of a frozen trunk stay still."""
        super().train(mode)
        if self.frozen:
            own = {m for each in conditioned_layers(self.trunk) for m in each.own.modules()}
            for module in self.trunk.modules():
                if isinstance(module, STATISTICS) and module not in own:
                    module.eval()
        return self

    def prototype(self) -> nn.Module:
        """Returns a copy of the trunk with its layers as they were, without the tasks' units."""
        return plain(self.trunk)

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the trunk. It runs within a pass for a task alone, as this module makes it."""
        return self.trunk

    def _passing(self, task: str) -> AbstractContextManager[None]:
        """Makes what runs inside a pass for a task."""
        return self._active.running(task)

    def _levels(self, positions: Sequence[int], hidden: Any, mask: Tensor | None) -> list[Tensor]:
        """Returns the outputs of the stages at some positions."""
        stages = stages_of(self.trunk)
        levels: list[Tensor] = []
        for position in positions:
            hidden = run_stage(stages[position], hidden, mask)
            levels.append(one_tensor(hidden, position, self.trunk))
        return levels
