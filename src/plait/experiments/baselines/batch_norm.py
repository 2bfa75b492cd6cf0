"""Running statistics of BatchNorm, estimated anew for weights that were not trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from plait.data import batches_of
from plait.model import MultiTaskModel
from plait.networks.modes import evaluating

MOST = 200  # batches, as in the paper


def estimate_batch_norm(
    model: MultiTaskModel, batches: Iterable[Any], *, device: torch.device | str, most: int = MOST
) -> None:
    """Estimates the running statistics of all BatchNorm layers anew, from training inputs.

    They become the plain means over the batches of the means and variances of each batch. Dropout
    is off, no gradient is formed, and the modes and the global CPU generator are left as found. A
    layer that no input reaches keeps its statistics. Without BatchNorm no batch is read.

    Args:
        model: its weights are left alone.
        batches: a training loader; parts of a single example, which have no variance, are left out.
        device: where the model is.
        most: batches that are read at most; 200 by default, as in the paper.

    Reference: Wu, Johnson, "Rethinking 'Batch' in BatchNorm", arXiv 2105.07576, 2021 (precise
        BatchNorm).
    """
    layers = [
        each
        for each in model.modules()
        if isinstance(each, _BatchNorm) and each.track_running_stats
    ]
    if not layers:
        return
    with evaluating(model), _anew(layers), torch.no_grad(), torch.random.fork_rng(devices=[]):
        for batch in islice(batches_of(batches, model.tasks.values()), most):
            for part in batch.labelled.to(device).parts:
                if part.examples > 1:
                    model(part.inputs, tasks=part.tasks)


@contextmanager
def _anew(layers: Iterable[_BatchNorm]) -> Iterator[None]:
    """Lets layers take the mean over all that they are given, from nothing."""
    before = [(each, each.momentum, _copied(each)) for each in layers]
    for each, _, _ in before:
        each.reset_running_stats()
        each.momentum = None  # a cumulative mean
        each.train()
    try:
        yield
    finally:
        for each, momentum, statistics in before:
            each.momentum = momentum
            if not each.num_batches_tracked:
                each.load_state_dict(statistics, strict=False)


def _copied(layer: _BatchNorm) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in layer.named_buffers()}
