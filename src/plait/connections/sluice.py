"""Sluice networks."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor, nn

from plait.connections.bases.mixing import Init, Mixing, check_init, start
from plait.connections.edges.wiring import Wiring
from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key, unit_key
from plait.core.options import refuse_unused
from plait.core.outputs import Term
from plait.core.watched import Watched
from plait.networks import weighted_sum


class Sluice(Mixing):
    """Mixes subspaces of the tasks' stage outputs, and for each task its layers.

        x_t = [x_t1; ...; x_tS],   x_ti <- sum_sj alpha_ti,sj x_sj    after each chosen stage
        z_t = sum_l beta_tl x_t^l                                     what the head reads

    with S consecutive blocks of the channels as subspaces, x^l the output of the l-th chosen stage
    after mixing, and z in the place of the last level. The subspaces may be told apart by

        R = sum_t sum_l sum_{i<j} |W_tli^T W_tlj|^2

    over the rows W_tli of a weight that give subspace i.

    Args:
        edges: pairs [source, target]: the target reads the source; all pairs in both directions by
            default. A coefficient that has no edge does not exist.
        after: numbers of the stages, from 0, whose outputs are mixed; by default those that end a
            block, the last one among them.
        subspaces: S, at least 1; 2 as in the paper. It divides the channels.
        init: alpha of a subspace onto itself at the start, within 0..1; all others share the rest.
            0.95 by default, the "imbalanced" start of the authors; "balanced" makes all the same;
            "identity" is 1 and 0, with beta 1 on the last layer: exactly the single-task networks,
            until the first step.
        layer_mixing: whether the layers are mixed by beta, which starts at 0.9 on the last layer,
            the others sharing the rest. The chosen stages and the last one then need one shape.
        orthogonality: strength of R, at least 0; 0 as in the authors' code.
        weights: pattern of the names of the weights in R, such as ``"stages.*.weight"``; of all
            matrices and kernels by default. It needs a strength above 0.
        lr_scale: factor of the learning rate of alpha and beta.

    Shapes: the tasks' outputs of a mixed stage have one shape: maps, tokens or vectors.

    Raises:
        ConfigError: an option outside its range, or `weights` that match nothing.
        ShapeError: outputs that are mixed differ in shape, or the subspaces do not divide the
            channels or the rows of a weight.

    Differs: with S = 1 and no mixing of layers it is `CrossStitch` with one coefficient for an
        output. alpha and beta are free numbers without weight decay. The authors' code interleaves
        the units of all tasks by its column-major reshape; here alpha mixes what the paper says.

    Cost: the passes of all networks, and S products of the size of an output for each pair of
        tasks and stage.

    Reference: Ruder, Bingel, Augenstein, Søgaard, "Latent Multi-task Architecture Learning",
        AAAI 2019.
    """

    decays = False

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        after: Sequence[int] | None = None,
        subspaces: int = 2,
        init: Init = 0.95,
        layer_mixing: bool = True,
        orthogonality: float = 0.0,
        weights: str = "*",
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__(edges=edges, after=after, lr_scale=lr_scale)
        check_init(init, "Sluice")
        if not isinstance(subspaces, int) or subspaces < 1:
            raise ConfigError(f"`subspaces` of Sluice must be at least 1; found {subspaces!r}.")
        if not orthogonality >= 0:
            raise ConfigError(f"`orthogonality` must be at least 0; found {orthogonality}.")
        if orthogonality == 0:
            refuse_unused("without `orthogonality`", weights=None if weights == "*" else weights)
        self.subspaces = subspaces
        self.init: Init = init
        self.layer_mixing = layer_mixing
        self.orthogonality = orthogonality
        self.weights = weights
        self.layers: tuple[int, ...] = ()
        self.alphas = nn.ParameterDict()
        self.betas = nn.ParameterDict()
        self.matrices: list[nn.Parameter] = []  # the networks' own

    def setup(self, wiring: Wiring) -> None:
        """Makes alpha and beta, and finds the weights of R."""
        super().setup(wiring)
        for stage in self.stages:
            for task in self.mixing_tasks():
                self._check_divides(wiring.shapes[task].channels(stage), stage, task)
                self.alphas[unit_key(stage, task)] = self._alpha(task)
        if self.layer_mixing and self.stages:
            self._set_layers(wiring)
        if self.orthogonality > 0:
            self.matrices = [w for task in self.tasks for w in self._matrices(task, wiring)]

    def mixed(self, stage: int, task: str, outputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the mixed subspaces of one task, joined."""
        axis = self.channel_dims[task]
        blocks = [
            block
            for source in self.sources(task)
            for block in outputs[source].chunk(self.subspaces, dim=axis)
        ]
        alpha: Tensor = self.alphas[unit_key(stage, task)]
        return torch.cat([weighted_sum([*row], blocks) for row in alpha], dim=axis)

    def finish(self, outputs: Mapping[str, Sequence[Tensor]]) -> dict[str, tuple[Tensor, ...]]:
        """Puts the mixture of the layers in the place of the last level."""
        found = {task: tuple(levels) for task, levels in outputs.items()}
        for task, levels in found.items():
            if safe_key(task) in self.betas:
                layers = [levels[stage] for stage in self.layers]
                mixture = weighted_sum([*self.betas[safe_key(task)]], layers)
                found[task] = (*levels[:-1], mixture)
        return found

    def term(self) -> Term | None:
        """Returns R and its share of the objective; None with a strength of 0."""
        if not self.matrices or self.subspaces == 1:
            return None
        costs = [_overlap(matrix, self.subspaces) for matrix in self.matrices]
        cost = torch.stack(costs).sum()
        return Term(cost, cost * self.orthogonality)

    def watched(self) -> dict[str, Watched]:
        """Returns alpha between tasks after each stage (the mean sum of a row), and beta."""

        def between(stage: int) -> Watched:
            def row(task: str) -> Tensor:
                alpha: Tensor = self.alphas[unit_key(stage, task)]
                return alpha.mean(dim=0).reshape(-1, self.subspaces).sum(dim=1)

            return self.table(row)

        found = {f"Sluice: alpha after stage {stage}": between(stage) for stage in self.stages}
        if self.betas:
            columns = tuple(f"stage {stage}" for stage in self.layers)
            rows = {task: self.betas[safe_key(task)].detach() for task in self.mixing_tasks()}
            found["Sluice: beta"] = Watched(rows, columns)
        return found

    def _alpha(self, task: str) -> nn.Parameter:
        sources, number = self.sources(task), self.subspaces
        own, other = start(self.init, len(sources) * number)
        alpha = torch.full((number, len(sources) * number), other)
        first = sources.index(task) * number
        for i in range(number):
            alpha[i, first + i] = own
        return nn.Parameter(alpha)

    def _set_layers(self, wiring: Wiring) -> None:
        joined = self.mixing_tasks()
        self.layers = tuple(sorted({*self.stages, len(wiring.shapes[joined[0]].levels) - 1}))
        if len(self.layers) == 1:
            return
        for task in joined:
            levels = wiring.shapes[task].levels
            for stage in self.layers[:-1]:
                if levels[stage] != levels[-1]:
                    raise ShapeError(
                        f"Sluice mixes the layers of a task, which must have one shape; task "
                        f"{task!r} has {list(levels[stage])} after stage {stage} and "
                        f"{list(levels[-1])} after the last. Set `layer_mixing: false`, or name "
                        "stages that agree with `after`."
                    )
            last = 1.0 if self.init == "identity" else 0.9
            rest = (1 - last) / (len(self.layers) - 1)
            beta = torch.tensor([*[rest] * (len(self.layers) - 1), last])
            self.betas[safe_key(task)] = nn.Parameter(beta)

    def _check_divides(self, channels: int, stage: int, task: str) -> None:
        if channels % self.subspaces:
            raise ShapeError(
                f"`subspaces` of Sluice must divide the channels; stage {stage} of task {task!r} "
                f"has {channels}, and there are {self.subspaces} subspaces."
            )

    def _matrices(self, task: str, wiring: Wiring) -> list[nn.Parameter]:
        named = dict(wiring.networks[task].named_parameters())
        chosen = {
            name: p
            for name, p in named.items()
            if fnmatch.fnmatchcase(name, self.weights) and p.dim() > 1
        }
        if not chosen:
            raise ConfigError(
                f"`weights` {self.weights!r} of Sluice matches no matrix of the network of task "
                f"{task!r}; it has: {', '.join(named) or 'none'}."
            )
        for name, parameter in chosen.items():
            if len(parameter) % self.subspaces:
                raise ShapeError(
                    f"`subspaces` of Sluice must divide the rows of {name!r}; found "
                    f"{list(parameter.shape)} and {self.subspaces} subspaces. Narrow `weights`."
                )
        return list(chosen.values())


def _overlap(weight: Tensor, subspaces: int) -> Tensor:
    """Returns sum_{i<j} |W_i^T W_j|^2, as the products of the blocks' small Gram matrices."""
    grams = [rows @ rows.T for rows in weight.flatten(1).chunk(subspaces)]
    return torch.stack([(one * two).sum() for one, two in combinations(grams, 2)]).sum()
