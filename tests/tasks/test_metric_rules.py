import pytest
import torch
from torch import Tensor
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassF1Score,
    MulticlassJaccardIndex,
    MultilabelAccuracy,
)
from torchmetrics.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
)

from plait.core.errors import ConfigError
from plait.tasks import Classification, MultiLabel, Regression, Segmentation, Tagging
from plait.tasks.metric_rules import direction, perfect_value


class Unbounded(Metric):
    """A score that knows its direction and no best value."""

    higher_is_better = True

    def update(self, prediction: Tensor, target: Tensor) -> None:
        raise AssertionError

    def compute(self) -> Tensor:
        raise AssertionError


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        (MulticlassAccuracy(2), torch.tensor([0, 1, 1])),
        (MulticlassF1Score(2), torch.tensor([0, 1, 1])),
        (MulticlassJaccardIndex(2), torch.tensor([0, 1, 1])),
        (MultilabelAccuracy(2), torch.tensor([[0, 1], [1, 1]])),
        (MeanAbsoluteError(), torch.tensor([1.0, 2.0, 5.0])),
        (MeanSquaredError(squared=False), torch.tensor([1.0, 2.0, 5.0])),
        (R2Score(), torch.tensor([1.0, 2.0, 5.0])),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Metric) else "",
)
def test_the_perfect_value_is_what_the_labels_themselves_reach(metric, labels) -> None:
    metric.update(labels, labels)
    reached = metric.compute().item()
    assert perfect_value("y/m", metric) == pytest.approx(reached)
    metric.reset()
    wrong = 1 - labels if not labels.is_floating_point() else labels.flip(0)
    metric.update(wrong, labels)
    assert (metric.compute().item() < reached) == direction("y/m", metric)


@pytest.mark.parametrize("wrong", ["accuracy", MulticlassAccuracy, 3])
def test_what_is_no_metric_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match=r"metric 'y/m' must be a torchmetrics object; found"):
        Classification("y", classes=2, metrics={"m": wrong})


@pytest.mark.parametrize(
    "task",
    [
        lambda: Classification("y", classes=3, metrics={"m": MulticlassF1Score(3, average=None)}),
        lambda: Classification("y", classes=3, metrics={"m": MulticlassF1Score(5)}),
        lambda: Tagging("y", classes=3, metrics={"m": MulticlassAUROC(3, average=None)}),
        lambda: Segmentation("y", classes=3, metrics={"m": MulticlassAccuracy(3, average="none")}),
        lambda: MultiLabel("y", labels=3, metrics={"m": MultilabelAccuracy(3, average=None)}),
        lambda: Regression(
            "y", outputs=2, vector=True, metrics={"m": R2Score(multioutput="raw_values")}
        ),
    ],
)
def test_metrics_of_several_numbers_or_other_shapes_are_refused_with_the_task(task) -> None:
    with pytest.raises(ConfigError, match=r"'y/m' .*(must come to one number|cannot read)"):
        task()


class Mean(MeanMetric):
    """A metric with the direction that the message asks for."""

    higher_is_better = False
    plot_lower_bound = -1.0


class Downwards(Unbounded):
    """An error without a best value."""

    higher_is_better = False


def test_a_metric_without_a_direction_is_refused_until_a_class_gives_one() -> None:
    message = r"metric 'y/m' \(MeanMetric\) does not say whether higher is better. Derive a class"
    with pytest.raises(ConfigError, match=message):
        direction("y/m", MeanMetric())
    with pytest.raises(ConfigError, match=message):
        perfect_value("y/m", MeanMetric())
    assert not direction("y/m", Mean())
    assert perfect_value("y/m", Mean()) == -1.0


@pytest.mark.parametrize(("metric", "bound"), [(Unbounded(), "upper"), (Downwards(), "lower")])
def test_a_metric_without_a_bound_has_no_perfect_value(metric: Metric, bound: str) -> None:
    assert direction("y/m", metric) == (bound == "upper")
    with pytest.raises(ConfigError, match=f"metric 'y/m' .* has no best .*`plot_{bound}_bound`"):
        perfect_value("y/m", metric)
