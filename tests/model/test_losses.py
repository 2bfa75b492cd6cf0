"""Losses over parts and sources: the mean over the labels of their union."""

import torch

from plait.core.batch import Batch
from plait.core.outputs import Outputs
from plait.model.losses import task_losses
from plait.tasks import Regression


def test_parts_merge_by_their_labels() -> None:
    task = Regression("a", mean=0.0, scale=1.0, weight=2.0)
    predictions = [torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0]])]
    labels = [torch.tensor([[0.0], [torch.nan]]), torch.tensor([[1.0]])]
    parts = [
        Batch.of(p, {"a": y}, [task]).parts[0] for p, y in zip(predictions, labels, strict=True)
    ]
    outputs = [Outputs({"a": p}) for p in predictions]
    losses = task_losses({"a": task}, outputs, Batch(tuple(parts)), 0.0)
    assert losses.raw["a"].item() == (1.0 + 9.0) / 2
    assert losses["a"].item() == 2 * losses.raw["a"].item()
    assert losses.counts == {"a": 2.0}
