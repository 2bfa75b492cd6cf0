"""The tasks' gradients on several batches: conflict over all shared parameters and by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from plait.core.batch import Batch
from plait.core.random_state import random_state_kept
from plait.experiments.diagnosis.numbers import matrix, mean, number
from plait.model import MultiTaskModel
from plait.relations import gradient_conflict, layer_gramians
from plait.runs.diagnosis import Conflict
from plait.training.losses import BatchLosses
from plait.training.reread import buffers_kept

MOST_TASKS = 10  # of a layer whose matrices are kept


@dataclass(frozen=True)
class Gradients:
    """The inner products of the tasks' gradients at each shared layer, batch by batch.

    Attributes:
        tasks: names of all tasks, T.
        layers: `{name of a module: Gramians [n, T, T]}`; NaN for tasks without labels in a batch.
    """

    tasks: list[str]
    layers: dict[str, np.ndarray]

    @property
    def total(self) -> np.ndarray:
        """The Gramians over all shared parameters, `[n, T, T]`."""
        whole: np.ndarray = np.sum(list(self.layers.values()), axis=0)
        return whole

    @property
    def shares(self) -> dict[str, float]:
        """`{task: g_t d / |d|^2}` with the update ``d = sum_t g_t``, over all batches."""
        products = np.nan_to_num(self.total)
        pull, whole = products.sum(axis=(0, 2)), products.sum()
        return dict(zip(self.tasks, (pull / whole if whole > 0 else pull * np.nan), strict=True))


def measure(model: MultiTaskModel, batches: Iterable[Batch]) -> Gradients:
    """Differentiates the loss of each task on each batch; the model stays as it is.

    Args:
        model: shares parameters; in the mode in which it shall run.
        batches: with labels.

    Cost: a forward pass and T backward passes for each batch, `[T, P]` numbers of memory.
    """
    tasks = list(model.tasks)
    found: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        each = layer_gramians(model, batch)
        at = [tasks.index(task) for task in each.tasks]
        for name, products in each.layers.items():
            whole = np.full((len(tasks), len(tasks)), np.nan)
            whole[np.ix_(at, at)] = products
            found.setdefault(name, []).append(whole)
    return Gradients(tasks, {name: np.stack(several) for name, several in found.items()})


def conflict(
    gramians: np.ndarray, tasks: Sequence[str], parameters: int, name: str = ""
) -> Conflict:
    """Sums up the gradients of the tasks on several batches.

    Args:
        gramians: `[n, T, T]`, NaN where a task had no label.
        tasks: names, T; those that never had a gradient are left out.
        parameters: how many numbers the gradients have.
        name: of the layer; empty for all shared parameters.
    """
    lengths = np.sqrt(np.diagonal(gramians, axis1=1, axis2=2))
    reach = [i for i in range(len(tasks)) if (np.nan_to_num(lengths[:, i]) > 0).any()]
    gramians, lengths = gramians[:, reach][:, :, reach], lengths[:, reach]
    cosines, similarities = pairs(gramians)
    negative = np.where(np.isfinite(cosines), cosines < 0, np.nan)
    above = np.triu_indices(len(reach), k=1)
    upper = cosines[:, above[0], above[1]]
    known = upper[np.isfinite(upper)]
    shown = not name or len(reach) <= MOST_TASKS
    counts = np.isfinite(cosines).sum(axis=0)
    np.fill_diagonal(counts, (lengths > 0).sum(axis=0))
    return Conflict(
        name=name,
        parameters=parameters,
        tasks=[tasks[i] for i in reach],
        cosine=number(known.mean()) if len(known) else None,
        rate=number((known < 0).mean()) if len(known) else None,
        norms=[number(value) for value in mean(np.where(lengths > 0, lengths, np.nan))],
        cosines=matrix(mean(cosines)) if shown else [],
        rates=matrix(mean(negative)) if shown else [],
        similarities=matrix(mean(similarities)) if shown else [],
        deviations=matrix(deviation(cosines)) if shown else [],
        counts=counts.tolist() if shown else [],
    )


def pairs(gramians: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cosines and the magnitude similarities of each pair, `[n, T, T]`.

    NaN on the diagonal, and for a pair of which one has no gradient in a batch.
    """
    found = np.full((2, *gramians.shape), np.nan)
    for number_, products in enumerate(gramians):
        at = np.flatnonzero(np.nan_to_num(products.diagonal()) > 0)
        if len(at) < 2:
            continue
        cells = np.ix_(at, at)
        step = gradient_conflict(gramian=products[cells])
        found[0, number_][cells], found[1, number_][cells] = step.cosines, step.similarity
        np.fill_diagonal(found[0, number_], np.nan)
        np.fill_diagonal(found[1, number_], np.nan)
    return found[0], found[1]


def deviation(values: np.ndarray) -> np.ndarray:
    """Returns the sample standard deviation over the first axis; NaN of fewer than two values."""
    count = np.isfinite(values).sum(axis=0)
    squares = np.nansum((values - mean(values)) ** 2, axis=0)
    spread = np.divide(squares, count - 1, out=np.full_like(squares, np.nan), where=count > 1)
    found: np.ndarray = np.sqrt(spread)
    return found


def mean_losses(model: MultiTaskModel, batches: Iterable[Batch]) -> dict[str, tuple[float, int]]:
    """Returns `{task: (mean loss, batches with labels)}`, each loss times its static weight."""
    device = next(model.parameters()).device
    reading = BatchLosses(model, nullcontext(), {})
    found: dict[str, list[float]] = {task: [] for task in model.tasks}
    with torch.no_grad(), buffers_kept(model), random_state_kept(device):
        for batch in batches:
            _, losses = reading(batch.to(device))
            for task, loss in losses.items():
                found[task].append(float(loss))
    return {
        task: (float(np.mean(each)) if each else float("nan"), len(each))
        for task, each in found.items()
    }


def sizes_by_layer(model: MultiTaskModel, tasks: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Returns `{name of a module: its parameters that two tasks or more reach}`."""
    sizes: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if len(tasks.get(name, ())) > 1:
            layer = name.rpartition(".")[0]
            sizes[layer] = sizes.get(layer, 0) + parameter.numel()
    return sizes
