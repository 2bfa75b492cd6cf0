import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor
from torch.nn import functional as F

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import Tagging


def test_every_token_counts_the_same_whatever_its_sentence() -> None:
    task = Tagging("pos", classes=3, ignore_index=-1)
    target = torch.tensor([[0, -1, -1], [2, 1, 0]])
    prediction = torch.randn(2, 3, 3)
    there = target != -1
    expected = F.cross_entropy(prediction[there], target[there])
    torch.testing.assert_close(task.loss(prediction, target), expected)
    assert task.count(target) == 4


def test_labels_and_shapes_that_do_not_fit_are_refused() -> None:
    task = Tagging("pos", classes=3)
    with pytest.raises(DataError, match=r"'pos' must be 0\.\.2 or -100 \(missing\); found 3"):
        task.count(torch.tensor([[0, 3]]))
    with pytest.raises(DataError, match="'pos' must be whole numbers"):
        task.count(torch.tensor([[0.0]]))
    with pytest.raises(ShapeError) as caught:
        task.loss(torch.zeros(2, 3, 4), torch.zeros(2, 4, dtype=torch.long))
    assert "task 'pos'" in str(caught.value)
    assert "need predictions [2, 4, 3]; the head gives [2, 3, 4]" in str(caught.value)
    with pytest.raises(ConfigError, match="`classes` of task 'pos' must be at least 2"):
        Tagging("pos", classes=1)


def scores(task: Tagging, prediction: Tensor, target: Tensor) -> dict[str, float]:
    metrics = task.new_metrics()
    for metric in metrics.values():
        metric.update(*task.select(prediction, target))
    return {name: metric.compute().item() for name, metric in metrics.items()}


def test_the_metrics_are_those_of_scikit_learn() -> None:
    task = Tagging("pos", classes=3)
    prediction, target = torch.randn(5, 7, 3), torch.randint(3, (5, 7))
    target[:, 5:] = -100
    decided, labels = prediction.argmax(dim=2)[:, :5].flatten(), target[:, :5].flatten()
    assert scores(task, prediction, target) == pytest.approx(
        {
            "accuracy": accuracy_score(labels, decided),
            "f1": f1_score(labels, decided, average="macro"),
        }
    )


def test_the_trivial_predictor_is_the_majority_tag() -> None:
    task = Tagging("pos", classes=3)
    target = torch.tensor([[2, 0, -100], [2, -100, -100]])
    assert task.summarise(target).tolist() == [1, 0, 2]
    constant = task.spread(task.constant(task.summarise(target)), torch.zeros(2, 3, 3))
    assert constant.shape == (2, 3, 3)
    assert scores(task, constant, target)["accuracy"] == pytest.approx(2 / 3)


def test_the_head_predicts_for_every_token() -> None:
    head = Tagging("pos", classes=3, hidden=[8]).build_head(FeatureShape(((5, 6),), channel_dim=-1))
    tokens = torch.randn(2, 5, 6)
    out = head(Features((tokens,), channel_dim=-1))
    assert out.shape == (2, 5, 3)
    alone = head(Features((tokens[:, 3:4],), channel_dim=-1))
    torch.testing.assert_close(alone, out[:, 3:4])
