"""Inner products of the tasks' gradients, layer by layer, on one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from plait.core.random_state import random_state_kept
from plait.gradients import Layout, RowBuffer, gramian
from plait.model import MultiTaskModel
from plait.relations.conflict import Floats
from plait.relations.probe import Probe


@dataclass(frozen=True)
class LayerGramians:
    """The Gramians of the tasks' gradients at each shared layer.

    Attributes:
        tasks: the tasks with labels in the batch, T, in the order of rows and columns.
        layers: `{name of the module: Gramian [T, T]}` in the order of the model.
    """

    tasks: tuple[str, ...]
    layers: dict[str, Floats]

    @property
    def total(self) -> Floats:
        """The Gramian over all shared parameters, `[T, T]`: the sum of those of the layers."""
        total: Floats = np.stack(list(self.layers.values())).sum(axis=0)
        return total


def layer_gramians(model: MultiTaskModel, batch: Any) -> LayerGramians:
    """Computes, for each shared layer, the inner products of the tasks' gradients there.

        G^(l)_ij = <g_i^(l), g_j^(l)>,  g_i^(l) = gradient of L_i at the parameters of layer l

    A layer is a module that owns parameters which two tasks or more reach. The model stays as it
    is: parameters, their `.grad`, running statistics and random generators.

    Args:
        model: in the mode in which it shall run.
        batch: a `Batch`, or ``(inputs, {task: labels})``.

    Returns:
        The Gramians; `gradient_conflict(gramian=...)` reads each of them.

    Raises:
        ConfigError: the model shares no parameter, or the batch has no label.

    Cost: a forward pass and T backward passes, `[T, P]` numbers of memory.

    Example:
        >>> from plait.sharing import Hard
        >>> from plait.tasks import Regression
        >>> inputs = torch.ones(4, 2)
        >>> trunk = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 3))
        >>> model = MultiTaskModel(Hard(trunk), [Regression("a"), Regression("b")], example=inputs)
        >>> found = layer_gramians(model, (inputs, {t: torch.ones(4) for t in "ab"}))
        >>> [gramian.shape for gramian in found.layers.values()], found.total.shape
        ([(2, 2), (2, 2)], (2, 2))
    """
    with random_state_kept(next(model.parameters()).device):
        probe = Probe(model, batch)
        shared = list(probe.shared.values())
        rows = RowBuffer(Layout(given=shared))
        rows.add(probe.losses(), shared)
    columns: dict[str, list[slice]] = {}
    for name, parameter in probe.shared.items():
        layer = name.rpartition(".")[0]
        columns.setdefault(layer, []).append(rows.layout.columns(parameter))
    jacobian = rows.jacobian
    products = {
        layer: torch.stack([gramian(jacobian[:, each], torch.float64) for each in slices]).sum(0)
        for layer, slices in columns.items()
    }
    return LayerGramians(
        tuple(rows.tasks), {layer: each.cpu().numpy() for layer, each in products.items()}
    )
