import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor
from torchmetrics.classification import BinaryF1Score, MultilabelAUROC

from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Binary, MultiLabel, perfect_value

NAN = math.nan


def drawn(seed: int, number: int = 40, missing: float = 0.3) -> tuple[Tensor, Tensor]:
    """Logits with ties `[n, 1]`, and labels `[n]` of both values."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(number, 1, generator=generator, dtype=torch.float64).mul(3).round() / 2
    labels = (torch.rand(number, generator=generator) < 0.3).double()
    labels[torch.rand(number, generator=generator) < missing] = NAN
    labels[0], labels[1] = 0.0, 1.0
    return logits, labels


def test_the_loss_is_the_mean_cross_entropy_of_the_labels_that_are_there() -> None:
    target = torch.tensor([1.0, NAN, 0.0])
    logits = torch.tensor([[0.5], [9.0], [-2.0]], dtype=torch.float64)
    chance = 1 / (1 + (-logits[:, 0]).exp())
    expected = -(chance[0].log() + (1 - chance[2]).log()) / 2
    torch.testing.assert_close(Binary("y").loss(logits, target), expected)
    assert Binary("y").count(target) == 2


@given(seed=st.integers(0, 10**6), weighted=st.booleans(), flat=st.booleans())
def test_missing_labels_leave_loss_and_gradient_as_they_are(
    seed: int, weighted: bool, flat: bool
) -> None:
    """Those of the labelled rows alone, in any order, and those of `MultiLabel` with one label."""
    logits, labels = drawn(seed)
    pair = (0.5, 3.0) if weighted else None
    task = Binary("y", class_weights=pair)
    given_as = labels if flat else labels.unsqueeze(1)
    logits.requires_grad_()
    loss = task.loss(logits, given_as, count=task.count(given_as))
    (gradient,) = torch.autograd.grad(loss, logits)
    there = ~labels.isnan()
    order = torch.randperm(int(there.sum()), generator=torch.Generator().manual_seed(seed))
    alone = logits.detach()[there][order].requires_grad_()
    same = task.loss(alone, given_as[there][order])
    torch.testing.assert_close(loss, same)
    torch.testing.assert_close(gradient[there][order], torch.autograd.grad(same, alone)[0])
    assert not gradient[~there].any()
    several = MultiLabel("y", labels=1, class_weights=None if pair is None else [pair])
    torch.testing.assert_close(several.loss(logits, labels.unsqueeze(1)), loss)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8, torch.bfloat16])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_any_type_and_shape_of_zeros_and_ones_gives_the_same(
    dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    task = Binary("y", class_weights=[1.0, 2.0])
    prediction, labels = torch.randn(4, 1), torch.tensor([0.0, 1.0, 1.0, 0.0])
    other = labels.to(dtype).reshape(shape)
    assert task.count(other) == task.count(labels) == 6
    assert task.loss(prediction, other) == task.loss(prediction, labels)
    assert torch.equal(task.summarise(other), task.summarise(labels))
    for mine, same in zip(
        task.select(prediction, other), task.select(prediction, labels), strict=True
    ):
        assert torch.equal(mine, same)


def scores(task: Binary, prediction: Tensor, target: Tensor, size: int = 7) -> dict[str, float]:
    meters = TaskMeters(task, "cpu")
    for rows in torch.arange(len(target)).split(size):
        meters.update(prediction[rows], target[rows], None)
    return meters.compute()


@given(seed=st.integers(0, 10**6), size=st.integers(1, 40))
def test_the_metrics_are_those_of_scikit_learn(seed: int, size: int) -> None:
    logits, labels = drawn(seed)
    there = ~labels.isnan()
    true, ranked = labels[there].numpy(), logits[there, 0].numpy()
    assert scores(Binary("y"), logits, labels, size) == pytest.approx(
        {
            "auroc": roc_auc_score(true, ranked),
            "average_precision": average_precision_score(true, ranked),
        }
    )


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_with_labels_of_one_value_a_ranking_is_undefined(value: float) -> None:
    found = scores(Binary("y"), torch.randn(5, 1), torch.full((5,), value))
    assert math.isnan(found["auroc"])
    assert math.isnan(found["average_precision"]) == (value == 0)


def test_a_constant_ranks_like_chance_and_a_perfect_ranking_is_one() -> None:
    task = Binary("y")
    _, labels = drawn(3)
    meters = ConstantMeters(task, task.summarise(labels), "cpu")
    for rows in torch.arange(len(labels)).split(7):
        meters.update(torch.zeros(len(rows), 1), labels[rows], None)
    there = labels[~labels.isnan()]
    rate = pytest.approx(there.mean().item())
    assert meters.compute() == {"auroc": 0.5, "average_precision": rate}
    perfect = scores(task, labels.nan_to_num().unsqueeze(1), labels)
    assert perfect == {"auroc": 1.0, "average_precision": 1.0}
    assert {n: perfect_value(n, m) for n, m in task.metric_prototypes.items()} == perfect
    assert list(task.metric_prototypes) == ["auroc", "average_precision"]


def test_labels_without_a_prediction_each_are_refused() -> None:
    wrong = [((3, 1), (3, 2)), ((3, 2), (3,)), ((3, 1), (2,)), ((3,), (3,)), ((1, 1), (3, 1))]
    for prediction, labels in wrong:
        with pytest.raises(ShapeError, match=r"'y' needs labels \[B\] or \[B, 1\].*MultiLabel"):
            Binary("y").loss(torch.zeros(prediction), torch.zeros(labels))


def test_options_outside_their_range_are_refused() -> None:
    for names in (["yes"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(ConfigError, match="`names` of task 'y' must be two different texts"):
            Binary("y", names=names)
    with pytest.raises(ConfigError, match=r"must have 2 numbers, of no and of yes; found 1"):
        Binary("y", class_weights=[1.0])
    with pytest.raises(ConfigError, match="cannot read predictions and labels"):
        Binary("y", metrics={"auroc": MultilabelAUROC(3)})
    assert "f1" in Binary("y", metrics={"f1": BinaryF1Score()}).metric_prototypes


def test_a_prediction_is_one_of_two_values_with_the_probability_of_each() -> None:
    task = Binary("bought", names=["left", "bought"])
    logits = torch.tensor([[3.0], [-1.0], [0.0]])
    found = task.decode(logits)
    assert found.value.tolist() == [1, 0, 0]
    assert found.named() == ["bought", "left", "left"]
    assert found.probabilities is not None
    torch.testing.assert_close(found.probabilities[:, 1], logits[:, 0].sigmoid())
    torch.testing.assert_close(found.probabilities.sum(dim=1), torch.ones(3))
    assert float(task.decode(torch.tensor([[60.0]])).probabilities[0, 0]) > 0  # type: ignore[index]
    with pytest.raises(NonFiniteError, match="task 'bought' are NaN"):
        task.decode(torch.full((1, 1), NAN))


def test_a_label_is_shown_by_its_name() -> None:
    task = Binary("y")
    logit = torch.tensor([0.5])
    assert task.show(torch.tensor(0.0), logit) == ("no", "yes")
    assert task.show(torch.tensor([1]), -logit) == ("yes", "no")
    assert task.show(torch.tensor(NAN), logit) == (None, "yes")


def test_the_head_gives_one_logit() -> None:
    head = Binary("y", hidden=[5]).build_head(FeatureShape(((6,),)))
    assert [p.shape for p in head.parameters()] == [(5, 6), (5,), (1, 5), (1,)]
    assert head(Features((torch.randn(2, 6),))).shape == (2, 1)
