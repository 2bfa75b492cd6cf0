import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor
from torch.nn import functional as F

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Classification, EntityF1, Tagging


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
    meters = TaskMeters(task, "cpu")
    meters.update(prediction, target, None)
    return meters.compute()


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


ENTITIES = ["O", "B-X", "I-X"]


def test_entities_are_judged_whole_and_their_sentences_apart() -> None:
    task = Tagging("slots", classes=3, names=ENTITIES, entities=True)
    target = torch.tensor([[1, 2, 0, 1], [2, 0, -100, -100]])
    prediction = 9.0 * F.one_hot(torch.tensor([[1, 2, 0, 1], [2, 1, 1, 1]]), 3).float()
    # three entities, all found, and one more that is none
    assert scores(task, prediction, target) == pytest.approx(
        {"entity_f1": 2 * 3 / (3 + 4), "accuracy": 5 / 6}
    )
    without = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    predicted, labels = task.sequences(prediction, target, without)
    assert predicted.tolist() == [[1, 2, 0, 1], [2, 1, 1, 1]]
    assert labels.tolist() == [[1, 2, 0, -1], [2, 0, -1, -1]]


def test_the_trivial_predictor_finds_no_entity() -> None:
    task = Tagging("slots", classes=3, names=ENTITIES, entities=True)
    target = torch.tensor([[0, 0, 1, 2]])
    meters = ConstantMeters(task, task.summarise(target), "cpu")
    meters.update(torch.randn(1, 4, 3), target, None)
    assert meters.compute() == pytest.approx({"entity_f1": 0.0, "accuracy": 0.5})


def test_where_there_is_no_entity_the_f1_is_undefined() -> None:
    task = Tagging("slots", classes=3, names=ENTITIES, entities=True)
    meters = TaskMeters(task, "cpu")
    meters.update(torch.eye(3)[[0, 0]][None], torch.tensor([[0, 0]]), None)
    values = meters.compute()
    assert meters.why(values, 2.0) == {
        "entity_f1": "no label and no prediction is part of an entity"
    }


def test_entities_need_names_that_mark_them() -> None:
    with pytest.raises(ConfigError, match=r"`entities` of task 's' needs the `names`.*found none"):
        Tagging("s", classes=2, entities=True)
    with pytest.raises(ConfigError, match="found 'noun', 'verb'"):
        Tagging("s", classes=2, entities=True, names=["noun", "verb"])


def test_a_metric_of_sequences_is_for_tasks_that_have_some() -> None:
    metrics = {"f1": EntityF1(ENTITIES)}
    assert Tagging("slots", classes=3, metrics=metrics).metric_prototypes.keys() == {"f1"}
    with pytest.raises(ConfigError, match="task 'kind' has no sequences"):
        Classification("kind", classes=3, metrics=metrics)
