"""Trainings on several sources: said, counted, resumed, and each task by its own labels alone."""

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.balancing import UPGrad
from plait.core.batch import Batch
from plait.core.errors import CheckpointError, DataError
from plait.core.keys import safe_key
from plait.data import InMemory, Mixture, Source
from plait.data.mixing import AllSources, EqualShares, Policy, Proportional, RoundRobin, Shares
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import ProgressBar
from plait.training.mixture_log import MixtureLog
from tests.data.mixture.tables import Stream, sources, table, tasks
from tests.training.problem import StopAt, Stopped, assert_same_model, assert_same_run, events


def model() -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Dropout(0.2))
    return MultiTaskModel(Hard(encoder), tasks(), example=torch.zeros(2, 1))


def trainer(run: Path | None = None, of: MultiTaskModel | None = None, **options: Any) -> Trainer:
    given = {"lr": 0.01, "epochs": 2, "device": "cpu", "run": run, "progress": False, **options}
    balancer = given.pop("balancer", None)
    return Trainer(of or model(), balancer, **given)


def mixture(mixing: Policy | None = None, workers: int = 0, **options: Any) -> Mixture:
    return Mixture(sources(workers), mixing, tasks=tasks(), **options)


@pytest.mark.parametrize(
    ("mixing", "workers"),
    [(EqualShares(), 0), (RoundRobin(), 0), (AllSources(), 0), (EqualShares(), 2)],
    ids=repr,
)
def test_a_run_that_was_stopped_in_an_epoch_goes_on_as_if_it_was_not(
    mixing: Policy, workers: int, tmp_path: Path
) -> None:
    """To the last bit: weights, counters, log."""
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    first = trainer(whole, checkpoint_every=3)
    first.fit(mixture(mixing, workers), mixture())
    with pytest.raises(Stopped):
        stop = StopAt("on_save", 3)
        trainer(parted, checkpoint_every=3, callbacks=[stop]).fit(
            mixture(mixing, workers), mixture()
        )
    second = trainer(parted, checkpoint_every=3)
    second.fit(mixture(mixing, workers), mixture(), resume=True)
    assert_same_run(whole, parted)
    assert_same_model(first.model, second.model)
    assert second.state.examples == first.state.examples


@pytest.mark.parametrize("mixing", [Proportional(), AllSources()], ids=repr)
def test_examples_and_labels_are_counted(mixing: Policy, tmp_path: Path) -> None:
    made = trainer(tmp_path / "run")
    made.fit(mixture(mixing))
    expected: Counter[str] = Counter()
    for epoch in (0, 1):
        drawn = mixture(mixing)
        drawn.start_at(epoch, 0)
        for batch in drawn:
            expected.update({part.source: len(part.inputs) for part in batch.parts})
    assert made.state.examples == expected
    assert made.state.labels == {**expected, "common": sum(expected.values())}
    found = [each for each in events(tmp_path / "run") if each["event"] in ("mixture", "seen")]
    assert [each["event"] for each in found] == ["mixture", "seen", "seen"]
    assert found[0]["steps"] == len(mixture(mixing))
    assert found[-1]["examples"] == made.state.examples
    assert found[-1]["labels"] == made.state.labels


def test_examples_without_a_label_are_counted_too() -> None:
    data = InMemory(torch.zeros(6, 1), {"common": torch.full((6, 1), torch.nan)})
    made = Mixture({"dark": Source(data, batch_size=3)}, tasks=tasks())
    log, state = MixtureLog(made), trainer().state
    log.count(state, made)
    assert (state.examples, state.labels) == ({"dark": 6}, {})


def test_other_loaders_are_passed_over() -> None:
    log, state = MixtureLog([]), trainer().state
    log.count(state, [Batch(())])
    assert (log.lines, log.settings, log.ended, state.examples) == ([], {}, "", {})


def test_the_rule_and_the_shares_are_said_before_the_first_step() -> None:
    out = StringIO()
    bar = ProgressBar(console=Console(file=out, width=120))
    trainer(callbacks=[bar], first_steps=0).fit(mixture(EqualShares()))
    lines = out.getvalue().splitlines()
    start = "mixture of 3 sources by EqualShares(): an epoch has"
    assert lines[0].startswith(start)
    assert [line.split()[0] for line in lines[1:5]] == ["source", "large", "middle", "small"]


def test_an_epoch_that_ends_early_is_said_and_logged(tmp_path: Path) -> None:
    out = StringIO()
    bar = ProgressBar(console=Console(file=out, width=120))
    given = {
        "large": Source(table("large", 8), batch_size=4),
        "small": Source(Stream(table("small", 4)), batch_size=2),
    }
    own = [task for task in tasks() if task.name in ("large", "small")]
    net = MultiTaskModel(Hard(nn.Linear(1, 2)), own, example=torch.zeros(2, 1))
    made = trainer(tmp_path / "run", net, callbacks=[bar])
    made.fit(Mixture(given, AllSources(), tasks=own, steps=10))
    said = "source 'small' ended after 2 batches in epoch 1, and so did the epoch, of 10 steps"
    assert said in out.getvalue()
    assert said in [each.get("note") for each in events(tmp_path / "run")]
    assert made.state.step == 4


def test_tasks_of_sources_that_are_not_drawn_are_no_error(tmp_path: Path) -> None:
    """Their labels are read once, for the constant predictor; nothing else changes."""
    mixing = Shares({"large": 0.98, "middle": 0.01, "small": 0.01})
    made = trainer()
    made.fit(mixture(mixing, steps=3), [*mixture()])
    assert "small" not in made.state.examples
    assert set(made.labels.statistics) == {"large", "middle", "small", "common"}


def test_a_run_is_resumed_with_the_mixture_of_the_first(tmp_path: Path) -> None:
    trainer(tmp_path / "run", epochs=1).fit(mixture(Proportional()))
    with pytest.raises(CheckpointError, match=r"`mixing` was Proportional and is now EqualShares"):
        trainer(tmp_path / "run").fit(mixture(EqualShares()), resume=True)


@pytest.mark.parametrize("balancer", [None, UPGrad()])
def test_absent_tasks_are_absent_and_not_zero(balancer: Any, tmp_path: Path) -> None:
    """A step of one source is the step of a model that has its tasks alone."""
    single = {"middle": sources()["middle"]}
    joint = trainer(of=model(), balancer=balancer, epochs=1)
    record: list[Any] = []

    class Kept(StopAt):
        def on_step_end(self, trainer: Trainer, found: Any) -> None:
            record.append(found)

    joint.callbacks.append(Kept("on_train_start", 99))
    made = Mixture(single, tasks=tasks())
    with pytest.raises(DataError, match=r"task large, small had no valid label"):
        joint.fit(made)
    assert all(set(each.losses) == {"middle", "common"} for each in record)
    assert all(set(each.balance.tasks) == {"middle", "common"} for each in record)
    heads = joint.model.heads
    fresh = model().heads
    for absent in ("large", "small"):
        assert_same_model(heads[safe_key(absent)], fresh[safe_key(absent)])


def test_all_sources_have_the_loss_of_their_joined_labels() -> None:
    """sum(n L) / sum(n) over the parts of a step."""
    net = model().eval()
    for batch in mixture(AllSources()):
        outputs = [net(part.inputs, tasks=part.tasks) for part in batch.parts]
        found = net.losses(outputs, batch)["common"]
        inputs = torch.cat([part.inputs for part in batch.parts])
        labels = torch.cat([part.targets["common"] for part in batch.parts])
        whole = net.batch(inputs, {"common": labels})
        joined = net.losses([net(inputs, tasks=["common"])], whole)["common"]
        assert torch.allclose(found, joined)


def test_units_and_rows_are_those_of_every_source_though_an_epoch_draws_few(tmp_path: Path) -> None:
    given = {
        "large": Source(table("large", 40), batch_size=10),
        "small": Source(table("small", 8), batch_size=4),
    }
    own = [Regression(name) for name in ("large", "small", "common")]
    made = MultiTaskModel(Hard(nn.Linear(1, 2)), own, example=torch.zeros(2, 1))
    train = Mixture(given, Shares({"large": 0.999, "small": 0.001}), tasks=own, steps=1)
    trainer(tmp_path / "run", made, epochs=1).fit(train)
    for name, numbers in (
        ("large", torch.arange(40.0)),
        ("small", torch.arange(8.0)),
        ("common", torch.cat([torch.arange(40.0), torch.arange(8.0)])),
    ):
        unit = made.tasks[name].unit
        assert unit.mean.item() == pytest.approx(numbers.mean().item()), name
        assert unit.scale.item() == pytest.approx(numbers.std(correction=0).item()), name
    (rows,) = labels_told(tmp_path / "run")
    assert rows["rows"] == dict.fromkeys(made.tasks, 48)
    assert rows["labelled"] == {"large": 40, "small": 8, "common": 48}


def test_rows_that_an_epoch_drew_are_not_told_as_those_of_the_split(tmp_path: Path) -> None:
    given = dict.fromkeys(("small", "large"), 0)
    numbers = {name: torch.zeros(8, 1) for name in given}
    read = {name: Source(list(InMemory(numbers[name], numbers)), batch_size=4) for name in given}
    own = tasks()[:1] + tasks()[2:3]
    made = MultiTaskModel(Hard(nn.Linear(1, 2)), own, example=torch.zeros(2, 1))
    trainer(tmp_path / "run", made, epochs=1).fit(Mixture(read, tasks=own, steps=9))
    assert labels_told(tmp_path / "run") == []


def labels_told(run: Path) -> list[Any]:
    return [event for event in events(run) if event["event"] == "labels"]


def test_inputs_that_cannot_be_read_name_their_source() -> None:
    numbers = torch.zeros(8, 3)
    labels = {task.name: numbers[:, :1] for task in tasks()}
    read = Source(InMemory(numbers, labels), batch_size=4)
    train = Mixture({"narrow": read}, tasks=tasks())
    with pytest.raises(DataError, match=r"source 'narrow': the model was made for inputs \[B, 1\]"):
        trainer().fit(train)
