"""A metric over a data set: whatever the batches, the order, and the rows without a label."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryAUROC,
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassAveragePrecision,
    MultilabelAUROC,
    MultilabelAveragePrecision,
    MultilabelF1Score,
)
from torchmetrics.regression import ExplainedVariance, R2Score

from plait.core.errors import ConfigError
from plait.evaluation.meter import Meter
from plait.tasks import (
    BaseTask,
    Binary,
    Classification,
    DenseRegression,
    MultiLabel,
    Regression,
    Segmentation,
    Survival,
    Tagging,
)

ROWS, CLASSES = 14, 3
AREAS = {"auroc": MulticlassAUROC(CLASSES), "ap": MulticlassAveragePrecision(CLASSES)}
RANKS = {
    "auroc": MultilabelAUROC(2, ignore_index=-1),
    "ap": MultilabelAveragePrecision(2, ignore_index=-1),
    "coarse": MultilabelAUROC(2, thresholds=9, ignore_index=-1),
}
SPREADS = {"r2": R2Score(), "explained": ExplainedVariance()}
TASKS: dict[str, tuple[BaseTask, tuple[int, ...], tuple[int, ...]]] = {
    "classification": (Classification("y", classes=CLASSES), (CLASSES,), ()),
    "areas": (Classification("y", classes=CLASSES, metrics=AREAS), (CLASSES,), ()),
    "tagging": (Tagging("y", classes=CLASSES), (4, CLASSES), (4,)),
    "tagging areas": (Tagging("y", classes=CLASSES, metrics=AREAS), (4, CLASSES), (4,)),
    "segmentation": (Segmentation("y", classes=CLASSES), (CLASSES, 2, 2), (2, 2)),
    "labels": (MultiLabel("y", labels=2), (2,), (2,)),
    "one label": (MultiLabel("y", labels=1), (1,), (1,)),
    "ranks": (MultiLabel("y", labels=2, metrics=RANKS), (2,), (2,)),
    "regression": (Regression("y", outputs=2), (2,), (2,)),
    "spreads": (Regression("y", metrics=SPREADS), (1,), (1,)),
    "vector": (Regression("y", outputs=2, vector=True), (2,), (2,)),
    "dense": (DenseRegression("y"), (1, 2, 2), (1, 2, 2)),
    "binary": (Binary("y"), (1,), ()),
    "bounded": (Regression("y", bounded=True), (1,), (1, 2)),
    "survival": (Survival("y", cuts=[1.0, 2.0, 3.0]), (3,), (2,)),
}
YES_OR_NO = ("labels", "one label", "ranks", "binary")
PAIRS = ("bounded", "survival")  # a label is two numbers


def drawn(name: str, seed: int, missing: float) -> tuple[BaseTask, Tensor, Tensor]:
    task, predicted, labelled = TASKS[name]
    draw = torch.Generator().manual_seed(seed)
    scale = (0.3, 1.0, 5.0)[seed % 3]  # small logits look like probabilities
    prediction = scale * torch.randn(ROWS, *predicted, generator=draw) + 0.3
    target: Tensor = torch.randn(ROWS, *labelled, generator=draw) + 300.0
    if name in YES_OR_NO:
        target = (target > 300).float()
    elif "class_dim" in dir(task):
        target = torch.randint(CLASSES, (ROWS, *labelled), generator=draw)
    if name == "bounded":
        target = target[..., :1].expand(ROWS, 1, 2).clone()
        target[::3, 0, 1] = math.inf
    if name == "survival":
        target = torch.stack([(target[:, 0] - 299).abs(), (target[:, 1] > 300).float()], dim=1)
    lost = torch.rand(target.shape[: -1 if name in PAIRS else None], generator=draw) < missing
    target[lost] = task.missing
    return task, prediction, target


def measured(task: BaseTask, pairs: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    found = {}
    for name, metric in task.metric_prototypes.items():
        meter = Meter(f"y/{name}", metric.clone(), "cpu")
        for prediction, target in pairs:
            meter.update(*task.select(prediction, target))
        found[name] = meter.compute()
    return found


@pytest.mark.parametrize("name", TASKS)
@settings(max_examples=25)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.4, 0.9, 1.0]),
    st.lists(st.integers(0, ROWS), max_size=5),
    st.permutations(range(ROWS)),
)
def test_batches_order_and_rows_without_a_label_change_nothing(
    name: str, seed: int, missing: float, cuts: list[int], order: list[int]
) -> None:
    task, prediction, target = drawn(name, seed, missing)
    whole = measured(task, [(prediction, target)])
    bounds = [0, *sorted(cuts), ROWS]
    parts = [slice(a, b) for a, b in pairwise(bounds)]
    same: dict[str, Any] = {
        "cut": [(prediction[part], target[part]) for part in parts],
        "ordered": [(prediction[order], target[order])],
        "one by one": [(prediction[i : i + 1], target[i : i + 1]) for i in range(ROWS)],
    }
    absent = torch.full_like(target[:3], task.missing)
    same["with rows without a label"] = [(prediction, target), (prediction[:3] * 7, absent)]
    for way, pairs in same.items():
        assert measured(task, pairs) == pytest.approx(whole, rel=1e-9, abs=1e-9, nan_ok=True), way


@pytest.mark.parametrize("name", [name for name in TASKS if name not in PAIRS])
def test_a_perfect_prediction_is_perfect_whatever_is_missing(name: str) -> None:
    """No label or class counts as 0 for being absent."""
    for seed in range(6):
        task, prediction, target = drawn(name, seed, (0.0, 0.5, 0.85)[seed % 3])
        perfect = target.nan_to_num(0.0) if target.is_floating_point() else prediction * 0
        if name in YES_OR_NO:
            perfect = 8 * perfect - 4
        elif not target.is_floating_point():
            hot = torch.nn.functional.one_hot(target.clamp(min=0), CLASSES).float() * 9
            perfect = hot.movedim(-1, task.class_dim)  # type: ignore[attr-defined]
        for key, value in measured(task, [(perfect, target)]).items():
            best = 0.0 if task.metric_prototypes[key].higher_is_better is False else 1.0
            assert math.isnan(value) or value == pytest.approx(best, abs=1e-6), (name, key)


def one(metric: Metric, prediction: Any, target: Any) -> float:
    meter = Meter("y/m", metric.clone(), "cpu")
    meter.update(torch.as_tensor(prediction), torch.as_tensor(target))
    return meter.compute()


@pytest.mark.parametrize("offset", [0.0, 300.0, 2000.0, 1e4, 1e6])
@pytest.mark.parametrize("metric", [R2Score(), ExplainedVariance()], ids=["r2", "explained"])
def test_targets_far_from_zero_keep_their_digits(metric: Metric, offset: float) -> None:
    target = torch.rand(500) + offset
    prediction = target + 0.1 * torch.rand(500)
    p, t = prediction.double().numpy(), target.double().numpy()
    left = p - t - ((p - t).mean() if isinstance(metric, ExplainedVariance) else 0)
    expected = 1 - np.square(left).sum() / np.square(t - t.mean()).sum()
    assert one(metric, prediction, target) == pytest.approx(expected, abs=1e-5)


def test_logits_in_place_of_probabilities_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'y/m' \(BinaryAUROC\) reads probabilities.*activation"):
        one(BinaryAUROC(), [0.2, 1.5], [0, 1])
    assert one(BinaryAUROC(), [0.2, 0.9], [0, 1]) == 1.0


def test_several_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"metric 'y/m' must come to one number; found numbers"):
        one(MulticlassAccuracy(3, average=None), [0, 1, 2], [0, 1, 1])


def test_without_a_label_there_is_no_value() -> None:
    assert math.isnan(Meter("y/m", R2Score(), "cpu").compute())
    assert math.isnan(one(MultilabelF1Score(2), torch.zeros(0, 2), torch.zeros(0, 2).long()))
