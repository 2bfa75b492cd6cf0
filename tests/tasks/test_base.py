"""The contract of all tasks: every kind of it against a loop over single labels."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError, ShapeError, UnsupportedError
from plait.tasks import BaseTask, Task
from tests.tasks.kinds import (
    CLASS_KINDS,
    CLASSES,
    KINDS,
    NUMBER_KINDS,
    YES_NO_KINDS,
    Case,
    Kind,
    cases,
    no_head,
    squared,
)


def gradient(loss: Tensor, prediction: Tensor) -> Tensor:
    return torch.autograd.grad(loss, prediction)[0]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


# --- the loss -------------------------------------------------------------------------------


@settings(max_examples=160)
@given(cases())
def test_the_loss_is_the_weighted_mean_over_the_valid_labels(case: Case) -> None:
    assume(case.count() > 0)
    prediction = case.prediction.requires_grad_()
    loss = case.kind.task().loss(prediction, case.target, case.weights)
    expected = case.loss()
    assert loss.shape == ()
    close(loss, expected)
    # so it is finite, too: assert_close takes no NaN for equal
    close(gradient(loss, prediction), gradient(expected, prediction))


@given(cases())
def test_the_count_is_the_mass_of_the_valid_labels(case: Case) -> None:
    assert case.kind.task().count(case.target, case.weights) == case.count()


@settings(max_examples=160)
@given(cases(), st.randoms(use_true_random=False))
def test_losses_of_parts_merge_to_the_loss_of_the_joined_batch(case: Case, random) -> None:
    """sum(n L) / sum(n) over any split of the batch, for the loss and for its gradient."""
    assume(case.count() > 0)
    task = case.kind.task()
    prediction = case.prediction.requires_grad_()
    part_of = torch.tensor([random.randrange(3) for _ in case.target])
    total, merged = 0.0, torch.zeros(()).double()
    for part in range(3):
        rows = part_of == part
        weights = None if case.weights is None else case.weights[rows]
        count = task.count(case.target[rows], weights)
        if count > 0:
            merged = merged + count * task.loss(prediction[rows], case.target[rows], weights)
            total += count
    joined = task.loss(prediction, case.target, case.weights)
    assert total == task.count(case.target, case.weights)
    close(merged / total, joined)
    close(gradient(merged / total, prediction), gradient(joined, prediction))


@given(cases())
def test_the_loss_does_not_depend_on_predictions_without_a_label(case: Case) -> None:
    assume(case.count() > 0)
    task = case.kind.task()
    prediction = case.prediction.requires_grad_()
    loss = task.loss(prediction, case.target, case.weights)
    used = gradient(sum(one.prediction.sum() for one in case.labels()), prediction) != 0
    other = torch.where(used, prediction, torch.rand_like(prediction) * 100 - 50)
    close(task.loss(other, case.target, case.weights), loss)


@given(cases(), st.sampled_from([torch.bfloat16, torch.float32]))
def test_lower_precision_gives_the_same_loss_to_its_digits(case: Case, dtype: torch.dtype) -> None:
    assume(case.count() > 0)
    task = case.kind.task()
    target = case.target.float() if case.target.is_floating_point() else case.target
    low = case.prediction.to(dtype).requires_grad_()
    loss = task.loss(low, target, case.weights)
    expected = case.kind.task().loss(low.double(), case.target, case.weights)
    digits = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(loss.double(), expected, rtol=digits, atol=digits)
    assert bool(gradient(loss, low).isfinite().all())


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_without_labels_counts_nothing_and_leaves_the_task_out(name: str) -> None:
    kind = Kind(name)
    _, target = kind.draw(4, 1.0, seed=0)
    task = kind.task()
    assert task.count(target) == 0
    assert Batch.of(torch.zeros(4, 1), {"y": target}, [task]).counts == {}
    _, target = kind.draw(4, 0.0, seed=0)
    nothing = Batch.of(torch.zeros(4, 1), {"y": target}, [task], weights={"y": torch.zeros(4)})
    assert nothing.counts == {}
    assert task.count(target) == math.prod(kind.mass_shape(4))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_weights_are_finite_and_not_negative(name: str, bad: float) -> None:
    kind = Kind(name)
    _, target = kind.draw(2, 0.0, seed=0)
    with pytest.raises(DataError, match=r"weights of task 'y' must be finite and not negative"):
        kind.task().count(target, torch.tensor([1.0, bad]))


@pytest.mark.parametrize("name", KINDS)
def test_weights_of_another_shape_are_refused(name: str) -> None:
    kind = Kind(name)
    _, target = kind.draw(3, 0.0, seed=0)
    shape = list(kind.mass_shape(3))
    for weights in (torch.ones(2), torch.ones(3, 7), torch.ones(())):
        with pytest.raises(ShapeError, match=r"weights of task 'y' must be \[B\]") as caught:
            kind.task().count(target, weights)
        assert f"or {shape} as its labels; found {list(weights.shape)}" in str(caught.value)


@pytest.mark.parametrize("name", KINDS)
def test_double_weights_do_not_widen_the_loss(name: str) -> None:
    """A table's weights are float64; losses of different types would not stack."""
    kind = Kind(name)
    prediction, target = kind.draw(3, 0.0, seed=0)
    target = target.float() if target.is_floating_point() else target
    loss = kind.task().loss(prediction.float(), target, torch.ones(3, dtype=torch.float64))
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("name", [name for name in KINDS if name != "custom"])
def test_labels_that_are_no_tensor_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="labels of task 'y' must be a tensor; found list"):
        Kind(name).task().count([0, 1])


@given(cases())
def test_metrics_are_given_the_valid_entries(case: Case) -> None:
    assume(case.count() > 0)
    task = case.kind.task()
    labels = case.labels()
    predictions, targets = task.select(case.prediction, case.target, case.weights)
    if case.kind.name == "multi_label":  # rows of labels, with -1 where one does not count
        known = targets != -1
        assert bool(known.any(dim=1).all())
        predictions, targets = predictions[known], targets[known]
        expected = torch.stack([one.prediction.sigmoid() for one in labels])
        torch.testing.assert_close(predictions, expected)
    elif case.kind.name == "binary":
        expected = torch.stack([one.prediction.sigmoid() for one in labels])
        torch.testing.assert_close(predictions, expected)
    elif case.kind.name == "segmentation":
        assert predictions.tolist() == [int(one.prediction.argmax()) for one in labels]
    elif case.kind.name in CLASS_KINDS:
        expected = torch.stack([one.prediction.softmax(dim=0) for one in labels])
        torch.testing.assert_close(predictions, expected)
    else:
        assert torch.equal(predictions, torch.stack([one.prediction for one in labels]))
    assert torch.equal(targets.double(), torch.stack([one.label for one in labels]).double())


@given(cases(kinds=(*CLASS_KINDS, *NUMBER_KINDS, *YES_NO_KINDS)))
def test_the_statistics_are_over_the_valid_entries(case: Case) -> None:
    """Numbers of each class; sum and number of each label; numbers of each output themselves."""
    summary = case.kind.task().summarise(case.target, case.weights)
    labels = case.labels()
    if case.kind.name in CLASS_KINDS:
        found = [int(one.label) for one in labels]
        assert summary.tolist() == [found.count(each) for each in range(CLASSES)]
        return
    for output in range(summary.shape[1]):
        if case.kind.name == "vector":
            numbers = [one.label[output].item() for one in labels]
        else:
            numbers = [one.label.item() for one in labels if one.at[1] == output]
        if case.kind.name in YES_NO_KINDS:
            assert summary[:, output].tolist() == [sum(numbers), len(numbers)]
            continue
        kept = summary[:, output]
        assert sorted(kept[~kept.isnan()].tolist()) == sorted(numbers)


def custom(**options: object) -> BaseTask:
    return Task("y", **{"head": no_head, "loss": squared, **options})


# --- metrics and options -------------------------------------------------------------------


def test_its_metrics_are_fresh_each_time() -> None:
    given_metric = MeanAbsoluteError()
    task = custom(metrics={"mae": given_metric, "mse": MeanSquaredError()})
    prediction, target = torch.tensor([1.0, 5.0]), torch.tensor([2.0, 3.0])
    for _ in range(2):
        metrics = task.new_metrics()
        assert list(metrics) == ["mae", "mse"]
        metrics["mae"].update(prediction, target)
        assert metrics["mae"].compute().item() == mean_absolute_error(target, prediction)
    assert not given_metric.update_called


class Aimless(Metric):
    """A metric that does not say which way is better."""

    def update(self, prediction: Tensor, target: Tensor) -> None:
        raise AssertionError

    def compute(self) -> Tensor:
        raise AssertionError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 0.0}, "`weight` of task 'y' must be positive; found 0.0"),
        ({"weight": -1.0}, "`weight` of task 'y' must be positive"),
        ({"weight": math.nan}, "`weight` of task 'y' must be positive"),
        ({"weight": math.inf}, "`weight` of task 'y' must be positive"),
        ({"metrics": {"m": Aimless()}}, r"metric 'y/m' \(Aimless\) does not say"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        custom(**options)


def test_a_task_has_a_name() -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        Task("", head=no_head, loss=squared)


def test_there_is_no_constant_predictor_for_any_task() -> None:
    assert custom().summarise(torch.zeros(2)) is None
    with pytest.raises(UnsupportedError, match="task 'y' has no trivial predictor"):
        custom().spread(custom().constant(torch.zeros(2)), torch.zeros(2))


# --- the count is known ---------------------------------------------------------------------


@settings(max_examples=160)
@given(cases())
def test_a_known_count_changes_nothing(case: Case) -> None:
    """It only spares the search for missing labels: equal to the last bit, gradient and all."""
    assume(case.count() > 0)
    task = case.kind.task()
    prediction = case.prediction.requires_grad_()
    count = task.count(case.target, case.weights)
    found = task.loss(prediction, case.target, case.weights, count=count)
    expected = task.loss(prediction, case.target, case.weights)
    assert torch.equal(found, expected)
    assert torch.equal(gradient(found, prediction), gradient(expected, prediction))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", KINDS)
def test_a_known_count_changes_nothing_in_half_precision(name: str, dtype: torch.dtype) -> None:
    kind = Kind(name)
    prediction, target = kind.draw(5, 0.0, seed=0)
    target = target.float() if target.is_floating_point() else target
    losses = [
        kind.task().loss(prediction.to(dtype), target, count=count)
        for count in (None, float(math.prod(kind.mass_shape(5))))
    ]
    assert losses[0].dtype == losses[1].dtype
    assert torch.equal(*losses)
