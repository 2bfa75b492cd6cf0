"""Predictions from elsewhere, against scikit-learn and against a network with these predictions."""

import math
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, roc_auc_score
from torch import Tensor, nn

from plait.core.errors import DataError, NonFiniteError
from plait.data import InMemory, loader
from plait.evaluation import Resampler, evaluate, evaluate_predictions
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Binary, Classification, MultiLabel, Regression

ROWS = 30


def tasks() -> dict[str, Any]:
    made = [
        Classification("kind", classes=3),
        Binary("sick"),
        MultiLabel("tags", labels=2),
        Regression("size", mean=5.0, scale=2.0),
    ]
    return {task.name: task for task in made}


def labels() -> dict[str, Tensor]:
    found = {
        "kind": torch.randint(3, (ROWS,)),
        "sick": torch.randint(2, (ROWS,)).float(),
        "tags": torch.randint(2, (ROWS, 2)).float(),
        "size": torch.randn(ROWS, 1) * 2 + 5,
    }
    found["kind"][::4] = -100
    found["sick"][1::4] = math.nan
    found["size"][:8] = math.nan
    return found


def test_log_probabilities_and_numbers_are_scored_as_scikit_learn_scores_them() -> None:
    own, true = tasks(), labels()
    chances, yes = torch.rand(ROWS, 3).softmax(1), torch.rand(ROWS)
    given = {"kind": chances.log(), "sick": yes.logit().unsqueeze(1), "size": torch.randn(ROWS, 1)}
    found = evaluate_predictions(own, given, true)
    kind, sick, size = true["kind"] != -100, ~true["sick"].isnan(), ~true["size"].isnan()
    accuracy = accuracy_score(true["kind"][kind], chances[kind].argmax(1))
    assert found.metrics["kind"]["accuracy"] == pytest.approx(accuracy)
    assert found.metrics["sick"]["auroc"] == pytest.approx(
        roc_auc_score(true["sick"][sick], yes[sick])
    )
    error = (given["size"] - true["size"])[size].abs().mean().item()
    assert found.metrics["size"]["mae"] == pytest.approx(error, rel=1e-6)
    assert found.counts["tags"] == 0
    assert math.isnan(found.metrics["tags"]["f1"])
    assert "tags" not in found.losses


def test_it_is_the_evaluation_of_a_network_with_these_predictions() -> None:
    """Batch by batch or all at once, with the same draws."""
    own, true = tasks(), labels()
    data = InMemory(torch.randn(ROWS, 4), true)
    net = MultiTaskModel(Hard(nn.Linear(4, 6)), own.values(), example=torch.zeros(2, 4))
    net.eval()
    with torch.no_grad():
        given = net(data.inputs)
    statistics = {name: task.summarise(true[name]) for name, task in own.items()}
    batches = loader(data, batch_size=7, shuffle=False)
    of_net, of_predictions = (Resampler(own, {"": ROWS}, draws=4) for _ in range(2))
    expected = evaluate(net, batches, statistics=statistics, resampler=of_net)
    found = evaluate_predictions(own, given, true, statistics=statistics, resampler=of_predictions)
    for kind in ("metrics", "trivial"):
        for name in own:
            assert getattr(found, kind)[name] == pytest.approx(getattr(expected, kind)[name])
    assert found.losses == pytest.approx(expected.losses, rel=1e-5)
    assert found.counts == expected.counts
    one, other = of_net.compute(), of_predictions.compute()
    for name in own:
        for metric, values in one.metrics[name].items():
            assert values == pytest.approx(other.metrics[name][metric], nan_ok=True)


def test_predictions_of_rows_without_any_label() -> None:
    resampler = Resampler({"size": Regression("size")}, {"": 3}, draws=2)
    found = evaluate_predictions(
        {"size": Regression("size")},
        {"size": torch.zeros(3, 1)},
        {"size": torch.full((3, 1), math.nan)},
        resampler=resampler,
    )
    assert math.isnan(found.metrics["size"]["mae"])
    assert resampler.compute().units == {"size": 0}


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        ({"sise": torch.zeros(2, 1)}, "sise"),
        ({"kind": torch.zeros(2, 3)}, "labels of task 'kind'"),
        ({"size": torch.zeros(2, 1), "sick": torch.zeros(3, 1)}, "same rows for all tasks"),
        ({}, "found none"),
    ],
)
def test_what_does_not_fit(predictions: dict[str, Tensor], words: str) -> None:
    true = {"size": torch.zeros(2, 1), "sick": torch.zeros(3)}
    with pytest.raises(DataError, match=words):
        evaluate_predictions(tasks(), predictions, true)


def test_a_prediction_that_is_nan_is_an_error() -> None:
    with pytest.raises(NonFiniteError, match="task 'size' are NaN"):
        evaluate_predictions(
            tasks(), {"size": torch.full((2, 1), math.nan)}, {"size": torch.zeros(2, 1)}
        )
