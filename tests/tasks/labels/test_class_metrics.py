"""Means over classes that are counted class by class, against torchmetrics' own table."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import MulticlassF1Score, MulticlassJaccardIndex

from plait.tasks.labels.class_metrics import MeanF1, MeanIoU

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@given(st.lists(labels, min_size=1, max_size=3))
def test_they_are_those_of_torchmetrics(batches: list[list[tuple[int, int]]]) -> None:
    pairs = [
        (MeanF1(5), MulticlassF1Score(5, average="macro")),
        (MeanIoU(5), MulticlassJaccardIndex(5, average="macro")),
    ]
    for own, theirs in pairs:
        for batch in batches:
            predicted, true = torch.tensor(batch).T
            own.update(predicted, true)
            theirs.update(predicted, true)
        assert own.compute().item() == pytest.approx(theirs.compute().item(), abs=1e-6)


def test_scores_are_decided_by_the_largest() -> None:
    scores, true = torch.randn(20, 4), torch.randint(4, (20,))
    decided, given_scores = MeanF1(4), MeanF1(4)
    decided.update(scores.argmax(dim=1), true)
    given_scores.update(scores, true)
    assert decided.compute() == given_scores.compute()


@pytest.mark.parametrize("kind", [MeanF1, MeanIoU])
def test_a_vocabulary_of_classes_takes_no_square(kind: type[MeanF1 | MeanIoU]) -> None:
    """A table of a million classes by a million would not fit anywhere."""
    metric = kind(1_000_000)
    metric.update(torch.tensor([3, 999_999]), torch.tensor([3, 999_998]))
    assert metric.compute().item() == pytest.approx(1 / 3)


def test_the_overlap_of_nothing_is_no_number() -> None:
    metric = MeanIoU(3)
    metric.update(torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long))
    assert math.isnan(metric.compute())
    assert (metric.plot_lower_bound, metric.plot_upper_bound) == (0.0, 1.0)
