import math

import numpy as np
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.tasks import DenseRegression, Regression


@pytest.mark.parametrize("vector", [False, True])
def test_labels_that_are_all_there_are_counted_as_any_others(vector: bool) -> None:
    """The short way, without a tensor of valid labels, counts what the long way counts."""
    task = Regression("y", outputs=3, vector=vector)
    target = torch.randn(5, 3)
    assert task.count(target) == task.count(target, torch.ones(5)) == (5 if vector else 15)
    target[2, 1] = math.nan
    assert task.count(target) == task.count(target, torch.ones(5)) == (4 if vector else 14)
    assert task.count(target[:0]) == 0


@pytest.mark.parametrize("number", [math.inf, -math.inf])
@pytest.mark.parametrize("beside", [0.0, math.nan])
def test_an_infinite_label_is_refused(number: float, beside: float) -> None:
    with pytest.raises(DataError, match="must be finite or NaN"):
        Regression("y").count(torch.tensor([1.0, number, beside]))


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(DataError, match=r"must be floats .* found torch.int64"):
        DenseRegression("y").count(torch.zeros(1, 1, 2, 2, dtype=torch.int64))


def test_a_unit_of_one_is_the_number_itself() -> None:
    """Without a scale there is no division, and the loss is the same to the last bit."""
    prediction, target = torch.randn(9, 1), torch.randn(9)
    plain, scaled = Regression("y"), Regression("y", scale=[1.0])
    assert torch.equal(plain.loss(prediction, target), scaled.loss(prediction, target))


def test_numbers_are_shown_as_they_are() -> None:
    task = Regression("y", outputs=2)
    prediction = torch.tensor([3.0, 4.0])
    assert task.show(torch.tensor([1.0, 2.0]), prediction) == ([1, 2], [3, 4])
    assert task.show(torch.tensor([1.0, math.nan]), prediction) == (None, [3, 4])
    assert Regression("y").show(torch.tensor(5.0), torch.tensor([6.0])) == ([5], [6])


def test_maps_are_shown_with_nan_where_there_is_no_label() -> None:
    target = torch.tensor([[[1.0, math.nan]]])
    true, predicted = DenseRegression("y").show(target, torch.zeros(1, 1, 2))
    np.testing.assert_array_equal(true, target.numpy())
    assert predicted.shape == (1, 1, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"geometry": "point"},
            "is a point, which needs outputs=2 and vector=True; found",
        ),
        ({"geometry": "box", "outputs": 4}, "needs outputs=4 and vector=True; .* vector=False"),
        ({"geometry": "pont"}, "Did you mean 'point'"),
        ({"outputs": 0}, "`outputs` of task 'y' must be at least 1"),
        ({"error": "square"}, "Did you mean 'squared'"),
        ({"mean": [1.0, 2.0], "outputs": 3}, "`mean` of task 'y' must be one number or 3"),
        ({"mean": math.nan}, "`mean` of task 'y' must be finite"),
        ({"scale": 0.0}, "`scale` of task 'y' must be positive"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Regression("y", **options)
