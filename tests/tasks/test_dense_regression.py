import math

import pytest
import torch
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import DenseRegression

NAN = math.nan


def test_every_valid_pixel_counts_the_same_whatever_its_image() -> None:
    task = DenseRegression("depth", scale=2.0)
    target = torch.tensor([[[[4.0, NAN], [NAN, NAN]]], [[[1.0, 1.0], [1.0, 1.0]]]])
    prediction = torch.zeros(2, 1, 2, 2)
    assert task.count(target) == 5
    torch.testing.assert_close(task.loss(prediction, target).item(), (2 + 4 * 0.5) / 5)


def test_labels_and_shapes_that_do_not_fit_are_refused() -> None:
    task = DenseRegression("depth")
    with pytest.raises(DataError, match=r"task 'depth' must be floats .*; found torch.int64"):
        task.count(torch.ones(1, 1, 2, 2, dtype=torch.long))
    with pytest.raises(DataError, match="task 'depth' must be finite or NaN"):
        task.count(torch.full((1, 1, 2, 2), math.inf))
    with pytest.raises(ShapeError) as caught:
        task.loss(torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4))
    assert "task 'depth': the head gives [2, 1, 4, 4]; the labels are [2, 4, 4]" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": 0}, "`outputs` of task 'depth' must be at least 1"),
        ({"error": "l1"}, "`error` of task 'depth' must be one of squared, absolute, huber"),
        ({"scale": -1.0}, "`scale` of task 'depth' must be positive"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DenseRegression("depth", **options)


def test_the_metrics_are_those_of_scikit_learn() -> None:
    task = DenseRegression("flow", outputs=2)
    prediction, target = torch.randn(3, 2, 4, 5), torch.randn(3, 2, 4, 5)
    target[torch.rand(3, 2, 4, 5) < 0.4] = NAN
    there = ~target.isnan()
    metrics = task.new_metrics()
    for image in range(3):
        for metric in metrics.values():
            metric.update(*task.select(prediction[image, None], target[image, None]))
    labels, guesses = target[there], prediction[there]
    found = {name: metric.compute().item() for name, metric in metrics.items()}
    expected = {
        "mae": mean_absolute_error(labels, guesses),
        "rmse": root_mean_squared_error(labels, guesses),
    }
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_trivial_predictor_is_the_mean_of_each_channel() -> None:
    task = DenseRegression("flow", outputs=2)
    target = torch.tensor([[[[1.0, 3.0]], [[10.0, NAN]]]])
    summary = task.merge([task.summarise(target), task.summarise(target)])
    assert summary[:, 0].tolist() == [1, 3, 1, 3]
    constant = task.spread(task.constant(summary), torch.zeros(2, 2, 3, 3))
    assert constant.shape == (2, 2, 3, 3)
    assert constant[1, :, 2, 2].tolist() == [2.0, 10.0]
    assert constant.unique().tolist() == [2.0, 10.0]
    mask = torch.tensor([[[[True, False]], [[False, True]]]])
    ((first, second),) = task.summarise(target, mask).tolist()
    assert first == 1
    assert math.isnan(second)


def test_of_a_large_image_some_pixels_are_kept() -> None:
    task = DenseRegression("depth")
    target = torch.arange(4096.0).reshape(1, 1, 64, 64)
    kept = task.summarise(target.expand(2, 1, 64, 64))
    assert kept.shape == (512, 1)
    assert float(kept.mean()) == pytest.approx(float(target.mean()), rel=0.01)
    assert len((kept % 64).unique()) > 60, "pixels of all columns"


def test_the_head_predicts_in_the_unit_of_the_labels() -> None:
    task = DenseRegression("depth", outputs=2, mean=3, scale=2, width=4)
    head = task.build_head(FeatureShape(((6, 4, 4),)))
    features = Features((torch.randn(1, 6, 4, 4),), grid=(7, 9))
    out = head(features)
    assert out.shape == (1, 2, 7, 9)
    assert torch.equal(out, 3 + 2 * head.head(features))
    assert {buffer.dtype for buffer in head.buffers()} == {torch.float32}


def test_the_head_keeps_its_unit_in_low_precision() -> None:
    head = DenseRegression("depth", mean=1000.0, width=4).build_head(FeatureShape(((6, 4, 4),)))
    head.head.bfloat16()
    features = Features((torch.ones(1, 6, 4, 4, dtype=torch.bfloat16),))
    out = head(features)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out - 1000, head.head(features).float(), rtol=0, atol=1e-4)
