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


def test_losses_know_which_examples_have_a_label_that_counts() -> None:
    one = Regression("a", mean=0.0, scale=1.0)
    two = Regression("b", outputs=2, mean=0.0, scale=1.0)
    made = Batch.of(
        torch.ones(3, 2),
        {
            "a": torch.tensor([[1.0], [torch.nan], [3.0]]),
            "b": torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [1.0, 1.0]]),
        },
        [one, two],
        weights={"a": torch.tensor([1.0, 1.0, 0.0])},
    )
    outputs = Outputs({"a": torch.zeros(3, 1), "b": torch.zeros(3, 2)})
    losses = task_losses({"a": one, "b": two}, [outputs], made, 0.0)
    assert losses.labelled is not None
    found = {task: mask.tolist() for task, mask in losses.labelled.masks().items()}
    assert found == {"a": [True, False, False], "b": [True, False, True]}
    assert losses.labelled.share == (1 + 3) / 6  # three numbers of b are there, of three examples
    assert losses.times({"a": 0.5}).labelled is losses.by_label().labelled is losses.labelled


def test_tasks_without_examples_in_common_have_no_such_masks() -> None:
    task = Regression("a", mean=0.0, scale=1.0)
    part = Batch.of(torch.ones(2, 1), {"a": torch.ones(2, 1)}, [task]).parts[0]
    apart = Outputs({"a": torch.zeros(2, 1)}, common=False)
    assert task_losses({"a": task}, [apart], Batch((part,)), 0.0).labelled is None
    common = Outputs({"a": torch.zeros(2, 1)})
    assert task_losses({"a": task}, [common] * 2, Batch((part,) * 2), 0.0).labelled is None
