"""The weights of the best epoch: for all tasks, and for each task alone."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import CrossStitch, Hint, ProductChain
from plait.core.errors import CheckpointError, ConfigError
from plait.core.keys import safe_key
from plait.evaluation import Evaluation, evaluate
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.reports.pages.tables import metric_table
from plait.reports.read.run import read_run
from plait.sharing import Hard, Separate
from plait.tasks import Classification
from plait.training import BestWeights, Callback, State, Trainer
from plait.training.best import file_of
from tests.training.problem import (
    StopAt,
    Stopped,
    assert_same_model,
    model,
    tasks,
    train_loader,
    trainer,
    val_loader,
)

EPOCHS = 6


def separate(**options: Any) -> MultiTaskModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))
    return MultiTaskModel(Separate(encoder), tasks(), example=torch.zeros(2, 6), **options)


class Seen(Callback):
    """All evaluations, and the weights that were evaluated."""

    def __init__(self) -> None:
        self.evaluations: list[Evaluation] = []
        self.weights: list[dict[str, Any]] = []

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        self.evaluations.append(evaluation)
        state = trainer.model.state_dict()
        self.weights.append({name: value.clone() for name, value in state.items()})

    def best(self) -> dict[str, int]:
        """The epoch of each task whose main metric is best, the first of equal ones."""
        sign = {"kind": 1, "amount": -1, "rare": -1}
        found = {}
        for task in sign:
            values = [sign[task] * next(iter(e.metrics[task].values())) for e in self.evaluations]
            found[task] = 1 + values.index(max(values))
        return found


def trained(run: Path | None, of: MultiTaskModel, **options: Any) -> tuple[Trainer, Seen]:
    seen = Seen()
    given: dict[str, Any] = {"epochs": EPOCHS, "scheduler": None, "lr": 0.05, **options}
    made = trainer(run, of=of, callbacks=[seen, *given.pop("callbacks", [])], **given)
    made.fit(train_loader(), val_loader())
    return made, seen


def main_metrics(found: Evaluation) -> dict[str, float]:
    return {task: next(iter(metrics.values())) for task, metrics in found.metrics.items()}


@pytest.mark.parametrize("keep", ["files", "memory"])
@pytest.mark.parametrize(
    "tied", [{}, {"regularization": PairwiseL2(strength=0.1)}, {"connections": Hint()}]
)
def test_each_task_has_the_network_of_its_own_best_epoch(
    tied: dict[str, Any], keep: str, tmp_path: Path
) -> None:
    """Evaluated, it is as good at every task as that task ever was."""
    run = tmp_path if keep == "files" else None
    made, seen = trained(run, separate(**tied), best="each")
    best = seen.best()
    assert made.state.best_epochs == best
    assert len(set(best.values())) > 1, "one epoch is not the best for all"
    found = main_metrics(evaluate(made.model, val_loader()))
    for task, epoch in best.items():
        assert found[task] == main_metrics(seen.evaluations[epoch - 1])[task]
        assert made.best.metrics(made.state)[task] == seen.evaluations[epoch - 1].metrics[task]
        network = made.model.sharing.networks()[task]
        prefix = next(n for n, each in made.model.named_modules() if each is network)
        for name, value in network.state_dict().items():
            assert torch.equal(value, seen.weights[epoch - 1][f"{prefix}.{name}"]), name


@pytest.mark.parametrize("keep", ["files", "memory"])
def test_what_is_kept_for_a_task_is_the_whole_model_of_its_best_epoch(
    keep: str, tmp_path: Path
) -> None:
    run = tmp_path if keep == "files" else None
    made, seen = trained(run, model(), best="kept")
    plain, _ = trained(None, model())
    assert_same_model(made.model, plain.model)
    best = seen.best()
    assert made.state.best_epochs == plain.state.best_epochs == best
    other = model()
    loads = made.best if run is None else BestWeights(run, other)
    for task, epoch in best.items():
        loads.restore(task)
        weights = loads.model.state_dict()
        assert all(torch.equal(weights[k], v) for k, v in seen.weights[epoch - 1].items())
    loads.restore()
    assert_same_model(loads.model, plain.model)


def test_a_resumed_run_ends_with_the_same_weights_of_each_task(tmp_path: Path) -> None:
    whole, _ = trained(tmp_path / "whole", separate(), best="each")
    with pytest.raises(Stopped):
        stop = [StopAt("on_step_end", 11)]
        trained(tmp_path / "again", separate(), best="each", callbacks=stop)
    options: dict[str, Any] = {"epochs": EPOCHS, "scheduler": None, "lr": 0.05, "best": "each"}
    again = trainer(tmp_path / "again", of=separate(), **options)
    state = again.fit(train_loader(), val_loader(), resume=True)
    assert_same_model(again.model, whole.model)
    assert state.own_metrics == whole.state.own_metrics


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (model, r"Hard shares weights"),
        (lambda: separate(connections=CrossStitch()), "CrossStitch leads from one network to"),
    ],
)
def test_each_needs_networks_that_share_no_weight(made: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=f"best='each' needs a network of its own.*{words}"):
        Trainer(made(), best="each", device="cpu")


def test_tied_heads_are_refused_by_name() -> None:
    made = separate()
    made.heads[safe_key("rare")] = made.heads[safe_key("amount")]
    with pytest.raises(ConfigError, match=r"tasks amount, rare have heads.*amount.* in common"):
        Trainer(made, best="each", device="cpu")


def test_weights_that_were_not_kept_are_said() -> None:
    made, _ = trained(None, model(), epochs=1)
    with pytest.raises(CheckpointError, match=r"no weights were kept for 'kind'.*best='kept'"):
        made.best.restore("kind")
    with pytest.raises(ConfigError, match=r"unknown task 'kidn'.*Did you mean 'kind'"):
        made.best.restore("kidn")


def test_the_report_has_the_best_epoch_of_each_task(tmp_path: Path) -> None:
    made, _ = trained(tmp_path, model())
    table = metric_table(read_run(tmp_path))
    assert table is not None
    column = table.head.index("Best epoch of the task alone")
    assert {row[0]: int(row[column]) for row in table.rows} == made.state.best_epochs


class Worse(Callback):
    """Sets the weights before the first step, and makes every epoch after it a bad one."""

    def on_train_start(self, trainer: Trainer) -> None:
        if trainer.state.step == 0:
            with torch.no_grad():
                for parameter in trainer.model.heads.parameters():
                    parameter.mul_(0.5)
        self.start = {name: v.clone() for name, v in trainer.model.state_dict().items()}


@pytest.mark.parametrize("keep", ["files", "memory"])
@pytest.mark.parametrize("way", ["option", "callback"])
def test_the_weights_before_the_first_step_can_be_the_best(
    keep: str, way: str, tmp_path: Path
) -> None:
    """Those that a callback has set; scored by the constant predictor of all training labels."""

    class Counts(Callback):
        def on_train_start(self, trainer: Trainer) -> None:
            trainer.start_counts = True

    worse, run = Worse(), tmp_path if keep == "files" else None
    callbacks = [worse] if way == "option" else [worse, Counts()]
    options = {"start_counts": True} if way == "option" else {}
    made, seen = trained(run, model(), lr=3.0, epochs=3, callbacks=callbacks, **options)
    assert made.state.best_epoch == 0
    assert made.state.judged
    assert "no epoch is better than the weights before the first step" in made.state.ended
    for name, value in made.model.state_dict().items():
        assert torch.equal(value, worse.start[name]), name
    assert len(seen.evaluations) == 4
    assert seen.evaluations[0].trivial == seen.evaluations[1].trivial
    if run is not None:
        found = read_run(run)
        assert [each.epoch for each in found.validations] == [0, 1, 2, 3]
        assert found.best is not None
        assert found.best.epoch == 0


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_start_that_counts_changes_nothing_after_it(stop: int, tmp_path: Path) -> None:
    """Weights, draws and label statistics are those without it; resumed in any step as well."""
    plain, without = trained(None, model(), epochs=2)
    options: dict[str, Any] = {"epochs": 2, "start_counts": True, "checkpoint_every": 1}
    whole, seen = trained(None, model(), **options)
    assert_same_model(whole.model, plain.model)
    assert seen.evaluations[1:] == without.evaluations
    with pytest.raises(Stopped):
        trained(tmp_path, model(), callbacks=[StopAt("on_step_end", stop)], **options)
    again = trainer(tmp_path, of=model(), scheduler=None, lr=0.05, **options)
    again.fit(train_loader(), val_loader(), resume=True)
    assert_same_model(again.model, whole.model)
    assert [each.epoch for each in read_run(tmp_path).validations] == [0, 1, 2]


def test_patience_counts_from_the_start() -> None:
    made, _ = trained(None, model(), lr=3.0, start_counts=True, patience=2, callbacks=[Worse()])
    assert (made.state.epoch, made.state.best_epoch) == (2, 0)
    assert made.state.ended == "ended by patience: no better epoch than 0 in the last 2."


def test_a_start_cannot_count_without_the_labels_of_an_epoch() -> None:
    stream = (batch for batch in train_loader("list"))
    made = trainer(None, epochs=1, scheduler=None, start_counts=True)
    with pytest.raises(ConfigError, match="`start_counts` reads the labels of an epoch before"):
        made.fit(stream, val_loader())


def test_without_validation_a_start_does_not_count() -> None:
    made = trainer(None, epochs=1, scheduler=None, start_counts=True)
    state = made.fit(train_loader())
    assert (state.judged, state.epoch) == (False, 1)


def test_a_state_without_evaluation_has_no_best() -> None:
    assert not State().judged
    assert State(best_score=-3.0).judged


def test_a_hard_shared_trunk_of_one_task_is_not_each() -> None:
    one = [task for task in tasks() if task.name == "kind"]
    single = MultiTaskModel(Hard(nn.Linear(6, 5)), one, example=torch.zeros(2, 6))
    with pytest.raises(ConfigError, match="best='each'"):
        Trainer(single, best="each", device="cpu")


def test_a_chain_of_predictions_is_refused() -> None:
    both = [Classification(name, classes=2) for name in ("click", "buy")]
    encoder = Separate(nn.Linear(6, 5))
    chained = MultiTaskModel(
        encoder, both, example=torch.zeros(2, 6), connections=ProductChain(edges=[("click", "buy")])
    )
    with pytest.raises(ConfigError, match="ProductChain leads from one network to another"):
        Trainer(chained, best="each", device="cpu")


def test_files_of_tasks_with_long_names_are_short_and_differ() -> None:
    names = ["é" * 200, "é" * 201, "y" * 300, "y" * 100, "../a/b"]
    files = {file_of(name) for name in names}
    assert len(files) == len(names)
    assert all(len(file) < 150 and file.count("/") == 1 for file in files)


@pytest.mark.parametrize("best", ["all", "each"])
def test_tasks_of_one_class_are_those_of_the_weights_that_are_kept(best: Any) -> None:
    """The second epoch is better by the rule and for `rare`, the first for `kind`."""
    state, weights = State(epoch=1), BestWeights(None, separate(), best)

    def evaluated(kind: float, rare: float, one_class: dict[str, str]) -> Evaluation:
        metrics = {"kind": {"accuracy": kind}, "rare": {"accuracy": rare}}
        up = {"kind": {"accuracy": True}, "rare": {"accuracy": True}}
        return Evaluation({}, metrics, {}, {}, up, one_class=one_class)

    weights.update(state, evaluated(0.9, 0.1, {"kind": "a", "rare": "b"}), 0.5)
    assert state.one_class == {"kind": "a", "rare": "b"}
    state.epoch = 2
    weights.update(state, evaluated(0.8, 0.7, {}), 0.75)
    assert state.one_class == ({"kind": "a"} if best == "each" else {})
    state.epoch = 3
    weights.update(state, evaluated(0.1, 0.1, {"rare": "c"}), 0.1)
    assert state.one_class == ({"kind": "a"} if best == "each" else {})
