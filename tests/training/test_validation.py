"""What cannot be measured is said before the first step, and never ends a run."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchmetrics.classification import BinaryAUROC, MulticlassAUROC

from plait.core.errors import ConfigError, DataError, NonFiniteError, PlaitWarning
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.reports.pages.tables import metric_table
from plait.reports.read.run import read_run
from plait.sharing import Hard
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression, Task
from plait.tasks.heads import ScalarHead
from plait.training import Callback, Trainer
from plait.training.best import BestWeights

INPUTS = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
KIND = torch.arange(12) % 2
SIZE = INPUTS[:, :1]


class Epochs(Callback):
    """Counts steps, and keeps the scores."""

    def __init__(self) -> None:
        self.steps, self.scores = 0, []

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        self.steps += 1

    def on_validation_end(self, trainer: Trainer, evaluation: Any, score: float) -> None:
        self.scores.append(score)
        self.evaluation = evaluation


def trainer(*tasks: BaseTask, **options: Any) -> tuple[Trainer, Epochs]:
    torch.manual_seed(0)
    net = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=INPUTS[:2])
    seen = Epochs()
    return Trainer(net, epochs=2, device="cpu", callbacks=[seen], **options), seen


def test_validation_labels_that_are_all_equal_are_said_and_left_out_of_the_skill() -> None:
    made, seen = trainer(Classification("kind", classes=2), Regression("size"))
    train = [(INPUTS, {"kind": KIND.clamp(max=(torch.arange(12) > 8).long()), "size": SIZE})]
    val = [(INPUTS, {"kind": torch.zeros(12).long(), "size": SIZE})]
    with pytest.warns(PlaitWarning, match="labels are all equal for task 'kind'"):
        made.fit(train, val)
    metrics, trivial = seen.evaluation.metrics["size"], seen.evaluation.trivial["size"]
    expected = (metrics["mae"] - trivial["mae"]) / (0 - trivial["mae"])
    assert seen.scores[-1] == pytest.approx(expected)
    assert made.state.best_epoch > 0


@pytest.mark.parametrize("thresholds", [None, 10])
def test_an_area_of_one_class_is_nan_and_training_goes_on(thresholds: int | None) -> None:
    area = MulticlassAUROC(2, thresholds=thresholds)
    made, seen = trainer(Classification("kind", classes=2, metrics={"auc": area}))
    with pytest.warns(
        PlaitWarning,
        match="on the validation data, auc of kind is undefined, because all labels are 1",
    ):
        made.fit([(INPUTS, {"kind": KIND})], [(INPUTS, {"kind": torch.ones(12).long()})])
    assert (made.state.epoch, made.state.best_epoch) == (2, 0)
    assert math.isnan(seen.evaluation.metrics["kind"]["auc"])
    assert math.isnan(seen.scores[-1])


@pytest.mark.parametrize("labels", [torch.zeros(12, 2), torch.tensor([[0.0, 1.0]]).expand(12, 2)])
def test_yes_or_no_labels_that_never_change_are_said(labels: torch.Tensor) -> None:
    made, _ = trainer(MultiLabel("tags", labels=2))
    train = [(INPUTS, {"tags": torch.stack([KIND, 1 - KIND], dim=1).float()})]
    with pytest.warns(PlaitWarning, match="(all equal for task 'tags'|f1 of tags is undefined)"):
        made.fit(train, [(INPUTS, {"tags": labels})])
    assert made.state.epoch == 2


@pytest.mark.parametrize("rule", ["skill", "worst"])
def test_a_task_without_validation_labels_is_left_out_of_the_skill(rule: str) -> None:
    made, seen = trainer(Classification("kind", classes=2), Regression("size"), rule=rule)
    val = [(INPUTS, {"kind": torch.full((12,), -100), "size": SIZE})]
    text = "accuracy and f1 of kind are undefined, because there is no label"
    with pytest.warns(PlaitWarning, match=text):
        made.fit([(INPUTS, {"kind": KIND, "size": SIZE})], val)
    metrics, trivial = seen.evaluation.metrics["size"], seen.evaluation.trivial["size"]
    expected = (metrics["mae"] - trivial["mae"]) / (0 - trivial["mae"])
    assert seen.scores[-1] == pytest.approx(expected)
    alone, seen = trainer(Classification("kind", classes=2), rule=rule)
    with pytest.warns(PlaitWarning, match=text):
        alone.fit([(INPUTS, {"kind": KIND})], val)
    assert (alone.state.epoch, alone.state.best_epoch) == (2, 0)


def test_the_log_says_why_a_metric_is_undefined(tmp_path: Any) -> None:
    made, _ = trainer(Binary("click", names=["left", "bought"]), run=tmp_path)
    with pytest.warns(PlaitWarning, match="because all labels are 'bought'"):
        made.fit([(INPUTS, {"click": KIND})], [(INPUTS, {"click": torch.ones(12)})])
    lines = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    found = [line["undefined"] for line in lines if line["event"] == "evaluation"]
    assert found == [{"click": {"auroc": "all labels are 'bought'"}}] * 2


def head(shape: Any) -> nn.Module:
    return ScalarHead(shape, 1)


def bce(prediction: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    one = prediction[:, 0]
    return nn.functional.binary_cross_entropy_with_logits(one, labels, reduction="none")


def custom(**options: Any) -> BaseTask:
    return Task("click", head=head, loss=bce, **options)


@pytest.mark.parametrize(
    ("task", "labels", "error", "text"),
    [
        (custom(metrics={"auc": BinaryAUROC()}), KIND.float(), ConfigError, "click/auc"),
        (Classification("click", classes=2), KIND - 1, DataError, "click"),
        (Classification("click", classes=2), torch.full((12,), -100), DataError, "no valid label"),
    ],
)
def test_what_cannot_be_measured_fails_before_the_first_step(
    task: BaseTask, labels: torch.Tensor, error: type[Exception], text: str
) -> None:
    name = "click/auc" if isinstance(task, Task) and "auc" in task.metric_prototypes else "loss"
    rule = "click/accuracy" if isinstance(task, Classification) else name
    made, seen = trainer(task, rule=rule)
    good = KIND.float() if isinstance(task, Task) else KIND
    with pytest.raises(error, match=text):
        made.fit([(INPUTS, {"click": good})], [(9 * INPUTS, {"click": labels})])
    assert seen.steps == 0


def test_inputs_that_are_nan_are_found_before_the_first_step() -> None:
    made, seen = trainer(Regression("size"))
    broken = INPUTS.clone()
    broken[3] = math.nan
    with pytest.raises(NonFiniteError, match="predictions of task 'size' are NaN"):
        made.fit([(INPUTS, {"size": SIZE})], [(broken, {"size": SIZE})])
    assert seen.steps == 0
    hidden = SIZE.clone()
    hidden[3] = math.nan  # nobody measures that row
    made.fit([(INPUTS, {"size": SIZE})], [(broken, {"size": hidden})])


def test_an_activation_gives_the_metrics_probabilities() -> None:
    task = custom(metrics={"auc": BinaryAUROC()}, activation=lambda p: p[:, 0].sigmoid())
    made, seen = trainer(task, rule="click/auc")
    made.fit([(INPUTS, {"click": KIND.float()})], [(9 * INPUTS, {"click": KIND.float()})])
    assert 0 <= seen.evaluation.metrics["click"]["auc"] <= 1


def test_data_that_can_be_read_once_are_left_for_the_epoch() -> None:
    made, seen = trainer(Regression("size"))
    made.options = type(made.options)(epochs=1, device="cpu")
    made.fit([(INPUTS, {"size": SIZE})], iter([(INPUTS, {"size": SIZE})]))
    assert len(seen.scores) == 1


def test_an_evaluation_that_fails_costs_no_training(tmp_path: Any, monkeypatch: Any) -> None:
    """The epoch is saved before it; a resumed run evaluates it, and trains the epochs that lack."""
    whole, seen = trainer(Regression("size"), run=tmp_path / "whole")
    train, val = [(INPUTS, {"size": SIZE})], [(INPUTS, {"size": SIZE})]
    whole.fit(train, val)
    first, _ = trainer(Regression("size"), run=tmp_path / "again")
    kept = BestWeights.update

    def fail(*given: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(BestWeights, "update", fail)
    with pytest.raises(MemoryError):
        first.fit(train, val)
    monkeypatch.setattr(BestWeights, "update", kept)
    second, again = trainer(Regression("size"), run=tmp_path / "again")
    second.fit(train, val, resume=True)
    assert again.steps == 1
    assert again.scores == seen.scores
    same = zip(whole.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_a_metric_over_several_tasks_chooses_the_epoch_and_is_in_the_log(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 4, generator=generator)
    made = [Classification("one", classes=2), Classification("two", classes=2)]
    labels = {"one": (inputs[:, 0] > 0).long(), "two": (inputs[:, 1] > 0).long()}
    table = InMemory(inputs, labels)
    run = tmp_path / "run"
    state = Trainer(
        MultiTaskModel(Hard(nn.Linear(4, 4)), made, example=inputs[:2]),
        epochs=3,
        lr=0.05,
        rule="all_right/both",
        all_right={"both": ["one", "two"]},
        run=run,
        progress=False,
    ).fit(
        loader(table, batch_size=16, shuffle=True, tasks=made),
        loader(table, batch_size=64, shuffle=False, tasks=made),
    )
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    shares = [each["all_right"]["both"] for each in lines if each["event"] == "evaluation"]
    assert state.best_score == max(shares) > 0.5
    table_of_run = metric_table(read_run(run))
    assert table_of_run is not None
    assert table_of_run.rows[-1][:3] == ["several at once", "both ↑", f"{max(shares):.4g}"]
