"""One trunk whose layers are conditioned on the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor, nn

from plait.core.errors import ConfigError, unknown
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
    run_stage,
    stages_of,
    unmasked,
)
from plait.sharing.base import Sharing
from plait.sharing.conditioning import (
    STATISTICS,
    Active,
    Adapter,
    Film,
    LoRA,
    Masks,
    Norm,
    Way,
    conditioned,
    conditioned_layers,
    plain,
)

By = Literal["film", "norm", "adapter", "lora", "mask"]
Placement = Literal["series", "parallel"]


class Conditioned(Sharing):
    """One trunk for all tasks, with a few parameters of each task in its layers.

        z_t = f(x; theta, phi_t),    y_t = h_t(z_t)

    theta is shared and large, phi_t is task t's own and small. A layer g with the weight W becomes,
    for task t,

        film:      (1 + a_t) * g(x) + b_t         a_t, b_t: a number for each channel
        norm:      g_t(x)                         a normalisation layer of the task's own
        adapter:   g(x) + D_t g(x), or g(x) + D_t x            D_t: on the channels
        lora:      g(x; W + (alpha / rank) B_t A_t)
        mask:      m_t * g(x)                     m_t: fixed, of zeros and ones

    a, b, D and B start at 0, and g_t from g, so that (but for masks) every task starts from the
    plain trunk exactly.

    Args:
        encoder: any module, or a factory of one. It is copied, not used itself.
        by: the way. "film" and "mask" act after the normalisation layers, or after the linear and
            convolutional ones of a trunk (or `scope`) that has none of those; "norm" takes the
            normalisation layers with their running statistics; "adapter" the linear and
            convolutional layers; "lora" those, and all projections of `nn.MultiheadAttention`, the
            packed ones included. Transposed convolutions are never conditioned.
        scope: a pattern of names of layers, such as ``"stages.2.*"``; all by default. Layers that
            do not run with the encoder are left out.
        frozen: whether theta stays as it is, running statistics included; phi_t learns.
        rank: of "lora", at least 1.
        alpha: of "lora", its scale is alpha / rank; by default `rank`, for a scale of 1.
        placement: of "adapter": "series" reads what the layer gives, "parallel" what it reads: with
            a convolution, a 1x1 one of its stride and groups that is added to the centre of W.
        bottleneck: of "adapter", the rank of D, D = U V with V drawn and U = 0; by default full.
        keep: of "mask", the share of the channels that a task keeps, in (0, 1]; one at least.

    Raises (in `setup`):
        ConfigError: `scope` matches no layer that can be conditioned.

    Example:
        >>> import torch
        >>> sharing = Conditioned(nn.Linear(5, 4), by="lora", rank=2)
        >>> sharing.setup(["a", "b"], torch.zeros(2, 5))
        >>> sum(parameter.numel() for parameter in sharing.parameters())  # 24 + 2 x 2 x (5 + 4)
        60

    Differs: the authors draw A from a normal distribution; here it is uniform with bound
        1/sqrt(fan in). The adapters' own batch normalisation is left out; the trunk's follows them.
        The routing of tasks masks each convolution, here the normalisation after it, which would
        move a masked channel away from 0.

    Cost: one pass for each wanted task of the stages from the first conditioned one on; the stages
        before it run once for a common input. Batch normalisation that the tasks share sees as many
        batches as passes. Parameters: "film" 2C for C channels, "adapter" C^2 or 2C x `bottleneck`
        in series, "lora" rank x (rows + columns of W).

    Reference: Perez, Strub, de Vries, Dumoulin, Courville, "FiLM: Visual Reasoning with a General
        Conditioning Layer", AAAI 2018. Bilen, Vedaldi, "Universal representations: The missing link
        between faces, text, planktons, and cat breeds", 2017 (norm). Rebuffi, Bilen, Vedaldi,
        "Learning multiple visual domains with residual adapters", NeurIPS 2017, and "Efficient
        parametrization of multi-domain deep neural networks", CVPR 2018 (parallel). Hu, Shen,
        Wallis, Allen-Zhu, Li, Wang, Wang, Chen, "LoRA: Low-Rank Adaptation of Large Language
        Models", ICLR 2022. Strezoski, van Noord, Worring, "Many Task Learning With Task Routing",
        ICCV 2019.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        by: By = "film",
        scope: str = "*",
        frozen: bool = False,
        rank: int = 4,
        alpha: float | None = None,
        placement: Placement = "series",
        bottleneck: int | None = None,
        keep: float = 0.5,
    ) -> None:
        super().__init__()
        self.by: By = by
        self.scope = scope
        self.frozen = frozen
        self.rank = rank
        self.alpha = alpha
        self.placement: Placement = placement
        self.bottleneck = bottleneck
        self.keep = keep
        ways: dict[str, Way] = {
            "film": Film(),
            "norm": Norm(),
            "adapter": Adapter(placement, bottleneck),
            "lora": LoRA(rank, alpha),
            "mask": Masks(keep),
        }
        if by not in ways:
            raise ConfigError(unknown("way to condition", by, ways))
        self._way = ways[by]
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
        self.trunk = conditioned(
            encoder, self._way, self.scope, tasks, examples, seed, self._active
        )
        layers = [conditioned_layers(stage) for stage in stages_of(self.trunk)]
        self._first = next(position for position, found in enumerate(layers) if found)
        for inputs, readers in passes:
            with self._active.running(readers[0]):
                self.shapes |= dict.fromkeys(readers, infer_shape(self.trunk, inputs))
        if self.frozen:
            own = {id(p) for each in conditioned_layers(self.trunk) for p in each.own.parameters()}
            for parameter in self.trunk.parameters():
                parameter.requires_grad_(id(parameter) in own)
            self.train(self.training)

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs the trunk once for each task, with the task's own conditioning."""
        values, mask = unmasked(inputs)
        before, after = range(self._first), range(self._first, len(stages_of(self.trunk)))
        common = self._levels(before, values, mask)
        whole = Features((), channel_dim_of(self.trunk), mask, grid_of(inputs))
        found = TaskFeatures({})
        for task in tasks:
            with self._active.running(task):
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
        """Returns a copy of the trunk without what is the tasks' own."""
        return plain(self.trunk)

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the trunk. It runs within a pass for a task alone, as this module makes it."""
        return self.trunk

    def _levels(self, positions: Sequence[int], hidden: Any, mask: Tensor | None) -> list[Tensor]:
        """Returns the outputs of the stages at some positions."""
        stages = stages_of(self.trunk)
        levels: list[Tensor] = []
        for position in positions:
            hidden = run_stage(stages[position], hidden, mask)
            levels.append(one_tensor(hidden, position, self.trunk))
        return levels
