"""Cross-stitch units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from plait.connections.bases.mixing import (
    Init,
    Mixing,
    check_init,
    on_channels,
    start,
)
from plait.connections.edges.wiring import Wiring
from plait.core.errors import ConfigError
from plait.core.keys import unit_key
from plait.core.watched import Watched
from plait.networks import weighted_sum


class CrossStitch(Mixing):
    """Lets each task go on with a learned linear combination of all tasks' outputs of a stage.

        x_t <- sum_s A_ts x_s    after each chosen stage

    with x_s the output of the stage of task s, and A_ts one number, or one for each channel. A
    task's row of A is learned from what the task goes on to do with the mixture.

    Args:
        edges: pairs [source, target]: the target reads the source; all pairs in both directions by
            default. A coefficient that has no edge does not exist.
        after: numbers of the stages, from 0, that are followed by a unit; by default those that end
            a block, the last one among them.
        per_channel: one coefficient for each channel, as in the paper; else one for a whole output.
        init: the own coefficient at the start, within 0..1; the others are ``(1 - init) / (n - 1)``
            each, n tasks being mixed. 0.9 by default, which the paper found to be best for two
            tasks. "balanced" is 1 / n for all; "identity" is 1 and 0: exactly the single-task
            networks, until the first step.
        softmax: keep each row on the simplex, A_t = softmax over s; our option. `init` must then
            be strictly between 0 and 1.
        lr_scale: factor of the learning rate of the coefficients; 1 by default, for Adam, whose
            steps have the length of the rate whatever the gradient is. With SGD the paper takes two
            to three orders of magnitude over the base rate: 100 to 1000.

    Shapes: the tasks' outputs of a mixed stage have one shape: maps, tokens or vectors.

    Raises:
        ConfigError: `init` or `after` outside its range.
        ShapeError: the tasks' outputs of a stage differ in shape.

    Differs: for more than two tasks the start keeps rows that sum to 1; the paper has two tasks.
        The coefficients get no weight decay, which would pull them towards 0.

    Cost: the passes of all networks; T products and sums of the size of an output for each task and
        stage. Of a task that is not wanted only the stages run that another one reads.

    Reference: Misra, Shrivastava, Gupta, Hebert, "Cross-stitch Networks for Multi-task Learning",
        CVPR 2016.
    """

    decays = False

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        after: Sequence[int] | None = None,
        per_channel: bool = True,
        init: Init = 0.9,
        softmax: bool = False,
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__(edges=edges, after=after, lr_scale=lr_scale)
        check_init(init, "CrossStitch")
        if softmax and init in ("identity", 0, 1):
            raise ConfigError(
                f"a softmax is never 0 or 1, so `init` of CrossStitch must be between; found "
                f"{init!r}. Set it, or leave out `softmax`."
            )
        self.per_channel = per_channel
        self.init: Init = init
        self.softmax = softmax
        self.units = nn.ParameterDict()

    def setup(self, wiring: Wiring) -> None:
        """Makes the coefficients."""
        super().setup(wiring)
        for stage in self.stages:
            for task in self.mixing_tasks():
                row = self._row(task, wiring.shapes[task].channels(stage))
                self.units[unit_key(stage, task)] = row

    def coefficients(self, stage: int, task: str) -> Tensor:
        """Returns A of a task after a stage: `[n]`, or `[n, C]`, over its `sources`."""
        row: Tensor = self.units[unit_key(stage, task)]
        return row.softmax(dim=0) if self.softmax else row

    def mixed(self, stage: int, task: str, outputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the combination of one task."""
        values = [outputs[source] for source in self.sources(task)]
        axis = self.channel_dims[task]
        weights = [on_channels(w, values[0], axis) for w in self.coefficients(stage, task)]
        return weighted_sum(weights, values)

    def watched(self) -> dict[str, Watched]:
        """Returns the coefficients after each stage, means over the channels."""

        def means(stage: int) -> Watched:
            return self.table(
                lambda task: (
                    self.coefficients(stage, task).flatten(1).mean(dim=1)
                    if self.per_channel
                    else self.coefficients(stage, task)
                ),
                shares=self.softmax,
            )

        return {f"CrossStitch: after stage {stage}": means(stage) for stage in self.stages}

    def _row(self, task: str, channels: int) -> nn.Parameter:
        sources = self.sources(task)
        own, other = start(self.init, len(sources))
        row = torch.tensor([own if source == task else other for source in sources])
        row = row.log() if self.softmax else row
        return nn.Parameter(row[:, None].repeat(1, channels) if self.per_channel else row)
