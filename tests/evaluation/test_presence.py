"""For which labels a metric is defined, against scikit-learn over those that are present."""

import math
import warnings

import pytest
import torch
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    recall_score,
    roc_auc_score,
)
from torch import Tensor
from torchmetrics import Metric
from torchmetrics import classification as c
from torchmetrics import regression as r

from plait.evaluation.meter import Meter

BINARY_SCORES, LABELS, IGNORED = torch.rand(20), 4, -1


def value(metric: Metric, prediction: Tensor, target: Tensor) -> float:
    meter = Meter("y/m", metric.clone(), "cpu")
    meter.update(prediction, target)
    return meter.compute()


@pytest.mark.parametrize("thresholds", [None, 7])
@pytest.mark.parametrize("label", [0, 1])
def test_an_area_needs_both_classes(thresholds: int | None, label: int) -> None:
    target = torch.full((20,), label)
    assert math.isnan(value(c.BinaryAUROC(thresholds=thresholds), BINARY_SCORES, target))
    precision = value(c.BinaryAveragePrecision(thresholds=thresholds), BINARY_SCORES, target)
    assert math.isnan(precision) == (label == 0)


@pytest.mark.parametrize(
    "metric",
    [
        c.BinaryF1Score(),
        c.BinaryPrecision(),
        c.BinaryRecall(),
        c.BinaryJaccardIndex(),
        c.BinaryMatthewsCorrCoef(),
        c.BinaryCohenKappa(),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_nothing_to_find_and_nothing_found_is_no_failure(metric: Metric) -> None:
    assert math.isnan(value(metric, torch.zeros(5), torch.zeros(5).long()))
    found = value(metric, torch.tensor([0.9, 0.1, 0.2]), torch.tensor([1, 0, 0]))
    assert found == pytest.approx(1.0)


def columns() -> tuple[Tensor, Tensor, list[int]]:
    """Labels 0 and 1 have both; 2 has no value, 3 no positive."""
    target = (torch.arange(20)[:, None] % torch.tensor([2, 3, 4, 5]) == 0).long()
    target[::6, 0] = IGNORED
    target[:, 2], target[:, 3] = IGNORED, 0
    return torch.rand(20, LABELS), target, [0, 1]


@pytest.mark.parametrize("thresholds", [None, 200])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_labels_without_a_value_or_a_positive_are_left_out(
    thresholds: int | None, average: str
) -> None:
    scores, target, present = columns()
    scores = (scores * 100).round() / 100
    options = {"average": average, "thresholds": thresholds, "ignore_index": IGNORED}
    pairs = [
        (c.MultilabelAUROC(LABELS, **options), roc_auc_score),
        (c.MultilabelAveragePrecision(LABELS, **options), average_precision_score),
    ]
    for metric, theirs in pairs:
        there = [target[:, k] != IGNORED for k in present]
        each = [theirs(target[t, k], scores[t, k]) for k, t in zip(present, there, strict=True)]
        mass = [float((target[:, k] == 1).sum()) if average == "weighted" else 1.0 for k in present]
        expected = sum(m * e for m, e in zip(mass, each, strict=True)) / sum(mass)
        assert value(metric, scores, target) == pytest.approx(
            expected, abs=0.02 if thresholds else 1e-6
        )


def test_decisions_over_labels_are_those_of_the_labels_that_are_there() -> None:
    scores, target, present = columns()
    scores[:, 3] = 0.1  # nothing to find, and nothing found
    decided = (scores > 0.5).long()
    for metric, theirs in (
        (c.MultilabelF1Score(LABELS, ignore_index=IGNORED), f1_score),
        (c.MultilabelRecall(LABELS, ignore_index=IGNORED), recall_score),
    ):
        each = [theirs(target[t, k], decided[t, k]) for k in present for t in [target[:, k] >= 0]]
        assert value(metric, scores, target) == pytest.approx(sum(each) / len(each))
    scores[0, 3] = 0.9  # found, where there is nothing: precision and F1 of it are 0
    f1 = value(c.MultilabelF1Score(LABELS, ignore_index=IGNORED), scores, target)
    with_it = [f1_score(target[t, k], decided[t, k]) for k in present for t in [target[:, k] >= 0]]
    assert f1 == pytest.approx(sum(with_it) / 3)


def test_a_class_that_is_only_predicted_has_no_recall() -> None:
    target, decided = torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 3, 1, 2, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = balanced_accuracy_score(target, decided)
    assert value(c.MulticlassAccuracy(4, average="macro"), decided, target) == pytest.approx(
        expected
    )


def test_classes_without_a_label_have_no_area() -> None:
    target = torch.tensor([0, 1, 0, 1, 1, 0])
    scores = torch.rand(6, 4).softmax(dim=1)
    each = [roc_auc_score(target == k, scores[:, k]) for k in (0, 1)]
    assert value(c.MulticlassAUROC(4), scores, target) == pytest.approx(sum(each) / 2)
    assert math.isnan(value(c.MulticlassAUROC(4), scores, torch.zeros(6).long()))


@pytest.mark.parametrize(
    "metric",
    [r.R2Score(), r.ExplainedVariance(), r.PearsonCorrCoef(), r.ConcordanceCorrCoef()],
    ids=lambda metric: type(metric).__name__,
)
def test_targets_without_spread_define_no_share_of_it(metric: Metric) -> None:
    assert math.isnan(value(metric, torch.rand(7), torch.full((7,), 0.1)))
    assert math.isnan(value(metric, torch.rand(1), torch.rand(1)))
    numbers = torch.arange(5.0)
    assert value(metric, numbers, numbers) == pytest.approx(1.0)


def test_an_output_without_spread_is_left_out() -> None:
    target = torch.stack([torch.arange(6.0), torch.full((6,), 3.0)], dim=1)
    prediction = target + torch.rand(6, 2)
    alone = value(r.R2Score(), prediction[:, 0], target[:, 0])
    assert value(r.R2Score(), prediction, target) == pytest.approx(alone)


# --- why ----------------------------------------------------------------------------------------

NO, YES = torch.zeros(4).long(), torch.ones(4).long()
SOME = torch.tensor([0, 1, 1, 0])
BOTH_NO = torch.zeros(4, 2).long()
HALF = torch.stack([SOME, NO], dim=1)
SCORES = torch.tensor([0.1, 0.4, 0.6, 0.2])
PAIRS = torch.stack([SCORES, SCORES.flip(0)], dim=1)
TRIPLES = torch.softmax(torch.arange(12.0).reshape(4, 3).sin(), dim=1)
REASONS: list[tuple[Metric, Tensor, Tensor, str]] = [
    (c.BinaryAUROC(), SCORES, NO, "all labels are 'no'"),
    (c.BinaryAUROC(), SCORES, YES, "all labels are 'yes'"),
    (c.BinaryAveragePrecision(), SCORES, NO, "all labels are 'no'"),
    (c.BinaryMatthewsCorrCoef(), SCORES, YES, "all labels are 'yes'"),
    (c.BinaryRecall(), SCORES, NO, "no label is 'yes'"),
    (c.BinarySpecificity(), SCORES, YES, "no label is 'no'"),
    (c.BinaryF1Score(), SCORES / 2, NO, "no label and no prediction is 'yes'"),
    (
        c.BinaryNegativePredictiveValue(),
        SCORES / 4 + 0.6,
        YES,
        "all labels and predictions are 'yes'",
    ),
    (
        c.MultilabelAUROC(2),
        PAIRS,
        BOTH_NO,
        "none of the labels has examples of 'no' and 'yes'",
    ),
    (c.MultilabelAveragePrecision(2), PAIRS, BOTH_NO, "none of the labels has examples of 'yes'"),
    (
        c.MultilabelAUROC(2, average="none"),
        PAIRS,
        HALF,
        "not every one of the labels has examples of 'no' and 'yes'",
    ),
    (c.MultilabelF1Score(2), PAIRS / 2, BOTH_NO, "no label and no prediction is 'yes'"),
    (c.MulticlassAUROC(3), TRIPLES, YES, "all labels are 'yes'"),
    (c.MulticlassAUROC(3, average="none"), TRIPLES, SOME, "no label is 'perhaps'"),
    (r.R2Score(), SCORES, torch.ones(4), "all labels are equal"),
    (r.PearsonCorrCoef(), torch.ones(4), SCORES, "all predictions are equal"),
    (
        r.R2Score(multioutput="raw_values"),
        PAIRS,
        1.0 * HALF,
        "all labels of an output are equal",
    ),
]


@pytest.mark.parametrize(
    ("metric", "prediction", "target", "reason"),
    REASONS,
    ids=[f"{type(each[0]).__name__}-{each[3]}" for each in REASONS],
)
def test_a_metric_says_why_it_is_undefined(
    metric: Metric, prediction: Tensor, target: Tensor, reason: str
) -> None:
    meter = Meter("y/m", metric.clone(), "cpu")
    meter.update(prediction, target)
    assert math.isnan(meter.compute())
    assert meter.why(["no", "yes", "perhaps"]) == reason


def test_values_without_names_are_called_by_their_numbers() -> None:
    meter = Meter("y/m", c.BinaryAUROC(), "cpu")
    assert math.isnan(meter.compute())
    assert meter.why() == "it reads none of the labels"
    meter.update(SCORES, YES)
    assert meter.why() == "all labels are 1"


def test_a_metric_of_its_own_that_is_nan_is_named() -> None:
    meter = Meter("y/m", r.MeanSquaredError(), "cpu")
    meter.update(torch.tensor([math.inf]), torch.tensor([math.inf]))
    assert math.isnan(meter.compute())
    assert meter.why() == "MeanSquaredError comes to no number"
