import math

import pytest
import torch
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from torch import Tensor
from torch.nn import functional as F

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import Regression

NAN = math.nan


@pytest.mark.parametrize(
    ("error", "expected"),
    # errors 1 and 6 in units of 2: 0.5 and 3
    [("squared", (0.25 + 9) / 2), ("absolute", (0.5 + 3) / 2), ("huber", (0.125 + 2.5) / 2)],
)
def test_errors_count_in_units_of_the_scale(error: str, expected: float) -> None:
    task = Regression("y", error=error, scale=2.0)
    loss = task.loss(torch.tensor([[1.0], [-6.0], [9.0]]), torch.tensor([0.0, 0.0, NAN]))
    assert loss.item() == expected
    assert task.count(torch.tensor([0.0, 0.0, NAN])) == 2


def test_each_output_has_its_own_scale() -> None:
    task = Regression("y", outputs=2, scale=[1.0, 10.0])
    assert task.loss(torch.tensor([[3.0, 20.0]]), torch.zeros(1, 2)).item() == (9 + 4) / 2


def test_one_number_may_come_with_or_without_an_axis() -> None:
    for vector in (False, True):
        task = Regression("y", vector=vector)
        prediction, target = torch.randn(4, 1), torch.tensor([1.0, NAN, 2.0, 3.0])
        for weights, mass in ((None, 3), (torch.tensor([1.0, 1.0, 0.0, 4.0]), 5)):
            wide = task.loss(prediction, target[:, None], weights)
            assert task.loss(prediction, target, weights) == wide
            assert task.count(target, weights) == task.count(target[:, None], weights) == mass
        assert torch.equal(task.summarise(target), task.summarise(target[:, None]))
        metrics = task.new_metrics()
        for metric in metrics.values():
            metric.update(*task.select(prediction, target))
        there = ~target.isnan()
        expected = (prediction[there, 0] - target[there]).abs().mean()
        torch.testing.assert_close(next(iter(metrics.values())).compute(), expected)


def test_a_vector_is_there_as_a_whole_or_not() -> None:
    target = torch.tensor([[1.0, NAN], [0.0, 3.0], [NAN, NAN]])
    prediction = torch.zeros(3, 2)
    assert Regression("y", outputs=2, vector=True).count(target) == 1
    assert Regression("y", outputs=2).count(target) == 3
    assert Regression("y", outputs=2, vector=True).loss(prediction, target).item() == 9 / 2
    torch.testing.assert_close(
        Regression("y", outputs=2).loss(prediction, target).item(), 10 / 3, rtol=1e-6, atol=0
    )


def test_low_precision_predictions_do_not_round_the_labels() -> None:
    task = Regression("y", error="absolute")
    target = torch.tensor([1000.5])
    loss = task.loss(torch.tensor([[1000.0]], dtype=torch.bfloat16), target)
    assert loss.item() == 0.5


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
def test_labels_that_are_no_floats_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(DataError, match=rf"task 'age' must be floats .*; found {dtype}"):
        Regression("age").count(torch.ones(2, dtype=dtype))


@pytest.mark.parametrize("wrong", [math.inf, -math.inf])
def test_infinite_labels_are_refused(wrong: float) -> None:
    with pytest.raises(DataError, match=r"task 'age' must be finite or NaN \(missing\)"):
        Regression("age").count(torch.tensor([0.0, wrong]))


@pytest.mark.parametrize(
    ("outputs", "target"), [(3, (2,)), (3, (2, 2)), (1, (2, 3)), (2, (3, 2)), (1, (2, 1, 1))]
)
def test_shapes_that_do_not_fit_are_refused(outputs: int, target: tuple[int, ...]) -> None:
    task = Regression("box", outputs=outputs)
    with pytest.raises(ShapeError) as caught:
        task.loss(torch.zeros(2, outputs), torch.zeros(target))
    message = str(caught.value)
    assert "task 'box': the head gives [2" in message
    assert f"the labels are {list(target)}" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": 0}, "`outputs` of task 'y' must be at least 1; found 0"),
        ({"error": "square"}, r"`error` of task 'y' .*; found 'square'. Did you mean 'squared'"),
        ({"scale": 0.0}, "`scale` of task 'y' must be positive; found 0.0"),
        ({"scale": math.inf}, "`scale` of task 'y' must be positive"),
        ({"outputs": 2, "scale": [1.0, -1.0]}, "`scale` of task 'y' must be positive"),
        ({"mean": math.nan}, "`mean` of task 'y' must be finite; found nan"),
        ({"outputs": 3, "scale": [1.0, 2.0]}, "`scale` of task 'y' must be one number or 3"),
        ({"outputs": 3, "mean": [1.0, 2.0]}, "`mean` of task 'y' must be one number or 3"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Regression("y", **options)


def scores(task: Regression, prediction: Tensor, target: Tensor) -> dict[str, float]:
    metrics = task.new_metrics()
    for rows in torch.arange(len(target)).chunk(3):
        for metric in metrics.values():
            metric.update(*task.select(prediction[rows], target[rows]))
    return {name: metric.compute().item() for name, metric in metrics.items()}


def test_the_metrics_are_those_of_scikit_learn() -> None:
    task = Regression("y", outputs=2, scale=7.0, mean=3.0)  # neither changes a metric's unit
    prediction, target = torch.randn(20, 2), torch.randn(20, 2)
    target[torch.rand(20, 2) < 0.3] = NAN
    there = ~target.isnan()
    labels, guesses = target[there], prediction[there]
    expected = {
        "mae": mean_absolute_error(labels, guesses),
        "rmse": root_mean_squared_error(labels, guesses),
    }
    assert scores(task, prediction, target) == pytest.approx(expected, rel=1e-5)


def test_the_main_metric_of_vectors_is_their_distance() -> None:
    task = Regression("point", outputs=2, vector=True)
    prediction = torch.tensor([[3.0, 4.0], [0.0, 2.0], [9.0, 9.0]])
    target = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, NAN]])
    found = scores(task, prediction, target)
    assert list(found) == ["distance", "mae"]
    assert found == pytest.approx({"distance": (5 + 2) / 2, "mae": (3 + 4 + 0 + 2) / 4})


def test_the_trivial_predictor_is_the_mean_of_the_labels() -> None:
    task = Regression("y", outputs=2)
    train = [torch.tensor([[1.0, 10.0], [3.0, NAN]]), torch.tensor([[5.0, 30.0]])]
    summary = task.merge([task.summarise(target) for target in train])
    assert task.spread(task.constant(summary), torch.zeros(4, 2)).tolist() == [[3.0, 20.0]] * 4
    assert task.summarise(train[0], torch.tensor([0.0, 1.0])).tolist() == [
        [3, pytest.approx(NAN, nan_ok=True)]
    ]


def test_a_vector_that_is_not_whole_is_in_no_mean() -> None:
    task = Regression("y", outputs=2, vector=True)
    target = torch.tensor([[1.0, 10.0], [3.0, NAN], [5.0, 30.0]])
    assert task.summarise(target).tolist() == [[1, 10], [5, 30]]
    assert task.summarise(target, torch.tensor([0.0, 1.0, 1.0])).tolist() == [[5, 30]]


def test_no_constant_has_a_smaller_squared_error_than_the_trivial_predictor() -> None:
    task = Regression("y")
    target = torch.randn(50)
    mean = task.spread(task.constant(task.summarise(target)), torch.zeros(50, 1))
    least = task.loss(mean, target)
    for shift in (-0.1, 0.1):
        assert task.loss(mean + shift, target) > least


@pytest.mark.parametrize(
    ("mean", "scale"), [(5.0, 2.0), ([5.0, -1.0], [2.0, 0.5]), ([4.0], 1), (3, [2, 1])]
)
def test_the_head_predicts_in_the_unit_of_the_labels(mean, scale) -> None:
    task = Regression("y", outputs=2, mean=mean, scale=scale, hidden=[3])
    head = task.build_head(FeatureShape(((4,),)))
    features = Features((torch.randn(6, 4),))
    inner = head.head(features)
    expected = torch.as_tensor(mean, dtype=torch.float) + torch.as_tensor(scale) * inner
    assert torch.equal(head(features), expected)
    assert {name for name, _ in head.named_buffers()} == {"mean", "scale"}
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    start = torch.as_tensor(mean, dtype=torch.float).expand(6, 2)
    assert torch.equal(head(features), start)
    # in units of the scale, training moves the output as it would in standardised labels
    target = torch.randn(6, 2)
    standard = (target - start) / torch.as_tensor(scale)
    loss = task.loss(head(features), target)
    torch.testing.assert_close(loss, F.mse_loss(torch.zeros(6, 2), standard))


def test_the_head_keeps_its_unit_in_low_precision() -> None:
    """A head in bfloat16, as under autocast, must not round mean + scale x output to 3 digits."""
    head = Regression("y", mean=1000.0).build_head(FeatureShape(((4,),)))
    head.head.bfloat16()
    out = head(Features((torch.full((1, 4), 0.3, dtype=torch.bfloat16),)))
    assert out.dtype == torch.float32
    inner = head.head(Features((torch.full((1, 4), 0.3, dtype=torch.bfloat16),)))
    assert out.item() - 1000 == pytest.approx(inner.item(), abs=1e-4)
