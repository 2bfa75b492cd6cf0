"""NDDR-CNN: fusing the tasks' features by neural discriminative dimensionality reduction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from plait.connections.bases.mixing import Mixing
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import ChannelMap
from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.core.keys import unit_key
from plait.core.seeding import seeded
from plait.core.watched import Watched

BATCH_NORMS: dict[int, type[nn.Module]] = {
    1: nn.BatchNorm1d,
    2: nn.BatchNorm1d,
    3: nn.BatchNorm2d,
    4: nn.BatchNorm3d,
}  # by the number of axes of a value without that of the batch
MOMENTUM = 0.05  # of batch normalisation, as in the authors' code


class NDDR(Mixing):
    """Fuses all tasks' outputs of a stage for each task by a learned linear map of the channels.

        x_t <- relu(BN_t(W_t [x_1; ...; x_T]))    after each chosen stage

    with the outputs x_s of the stage joined on the channels in the order of the tasks, W_t
    `[C, T C]` without bias (a 1x1 convolution of maps), and BN batch normalisation.

    Args:
        edges: pairs [source, target]: the target reads the source; all pairs in both directions by
            default. A task without source has no unit.
        after: numbers of the stages, from 0, that are followed by a unit; by default those that end
            a block, the last one among them.
        own: W_t starts as this number on the diagonal of the task's own channels, 0.9 by default;
        other: and as this number on the diagonals of the others' channels; by default
            ``(1 - own) / (n - 1)`` each, n tasks being fused: 0.1 for two, as in the paper.
        lr_scale: factor of the learning rate of the units; 1 by default, for Adam, whose steps have
            the length of the rate whatever the gradient is. The paper takes 100, with SGD.

    Shapes: the tasks' outputs of a mixed stage have one shape. Maps: 1x1 convolution and batch
        normalisation; vectors: linear map and batch normalisation; tokens: linear map and layer
        normalisation.

    Raises:
        ConfigError: `after` outside its range, or a start that is not finite.
        ShapeError: the tasks' outputs of a stage differ in shape.

    Differs: the form for vectors and tokens is ours. A batch with one value for each channel (one
        vector) has no variance: it is normalised by the running statistics, and they stay as they
        are. The paper needs weight decay on W (5e-4), which is the optimizer's to give.

    Cost: the passes of all networks, and T^2 maps of C x C channels for each stage.

    Reference: Gao, Ma, Zhao, Liu, Yuille, "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by
        Neural Discriminative Dimensionality Reduction", CVPR 2019.
    """

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        after: Sequence[int] | None = None,
        own: float = 0.9,
        other: float | None = None,
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__(edges=edges, after=after, lr_scale=lr_scale)
        for name, value in (("own", own), ("other", other or 0.0)):
            if not torch.tensor(float(value)).isfinite():
                raise ConfigError(f"`{name}` of NDDR must be finite; found {value}.")
        self.own = own
        self.other = other
        self.units = nn.ModuleDict()

    def setup(self, wiring: Wiring) -> None:
        """Makes the units."""
        super().setup(wiring)
        for stage in self.stages:
            for task in self.mixing_tasks():
                with seeded(wiring.seed, "connection", "NDDR", stage, task):
                    unit = Fusion(wiring.shapes[task], stage, len(self.sources(task)))
                self._start(unit, task)
                self.units[unit_key(stage, task)] = unit

    def mixed(self, stage: int, task: str, outputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the fused features of one task."""
        unit = self.units[unit_key(stage, task)]
        fused: Tensor = unit([outputs[source] for source in self.sources(task)])
        return fused

    def watched(self) -> dict[str, Watched]:
        """Returns the size of each block of W, |W_ts| / sqrt(C), in a table for each stage."""

        def sizes(stage: int) -> Watched:
            def row(task: str) -> Tensor:
                weight = self.units[unit_key(stage, task)].get_parameter("map.linear.weight")
                blocks = weight.chunk(len(self.sources(task)), dim=1)
                return torch.stack([block.norm() for block in blocks]) / math.sqrt(len(weight))

            return self.table(row)

        return {f"NDDR: after stage {stage}": sizes(stage) for stage in self.stages}

    def _start(self, unit: Fusion, task: str) -> None:
        sources = self.sources(task)
        other = (1 - self.own) / (len(sources) - 1) if self.other is None else self.other
        with torch.no_grad():
            weight = unit.get_parameter("map.linear.weight")
            one = torch.eye(len(weight))
            blocks = [one * (self.own if source == task else other) for source in sources]
            weight.copy_(torch.cat(blocks, dim=1))


class Fusion(nn.Module):
    """Linear map of joined channels, normalisation and ReLU.

    Args:
        shape: of the tasks' stage outputs.
        stage: number of the stage.
        number: of the tasks that are joined.
    """

    def __init__(self, shape: FeatureShape, stage: int, number: int) -> None:
        super().__init__()
        rank, channels = len(shape.levels[stage]), shape.channels(stage)
        self.channel_dim = shape.channel_dim
        self.map = ChannelMap(number * channels, channels, shape.channel_dim, bias=False)
        tokens = rank > 1 and shape.channel_dim == -1
        self.norm = (
            nn.LayerNorm(channels) if tokens else BATCH_NORMS[rank](channels, momentum=MOMENTUM)
        )

    def forward(self, values: Sequence[Tensor]) -> Tensor:
        """Returns the fused values, in the shape of one of them."""
        mapped = self.map(torch.cat([*values], dim=self.channel_dim))
        return F.relu(_normalised(self.norm, mapped))


def _normalised(norm: nn.Module, values: Tensor) -> Tensor:
    """Applies a normalisation; one value for each channel has no variance of its own."""
    if isinstance(norm, _BatchNorm) and norm.training and values.numel() == norm.num_features:
        mean, variance = norm.running_mean, norm.running_var
        return F.batch_norm(values, mean, variance, norm.weight, norm.bias, eps=norm.eps)
    found: Tensor = norm(values)
    return found
