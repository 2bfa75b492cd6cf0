"""Batches without a label: the step is passed over, and training goes on as without them."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel, Trainer
from plait.core import Batch
from plait.regularization import PairwiseL2
from plait.sharing import Hard, Separate
from plait.tasks import Classification, Regression
from plait.training.feed import Feed
from plait.training.mixture_log import MixtureLog
from tests.training import problem

Pair = tuple[Tensor, dict[str, Tensor]]


def model() -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
    tasks = [Classification("kind", classes=2), Regression("size", mean=0.0, scale=1.0)]
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 4))


def batches(count: int = 8, rows: int = 6) -> list[Pair]:
    draw = torch.Generator().manual_seed(1)
    inputs = [torch.randn(rows, 4, generator=draw) for _ in range(count)]
    return [(x, {"kind": (x[:, 0] > 0).long(), "size": x[:, 1:2].abs()}) for x in inputs]


def unlabelled(rows: int) -> Pair:
    kind, size = torch.full((rows,), -100), torch.full((rows, 1), math.nan)
    return torch.randn(rows, 4), {"kind": kind, "size": size}


def trained(balancer: str, data: list[Any], **options: Any) -> tuple[Trainer, dict[str, Tensor]]:
    net = model()
    trainer = Trainer(net, problem.balancer(balancer), epochs=1, device="cpu", **options)
    trainer.fit(data)
    return trainer, net.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("rows", [0, 5])
@pytest.mark.parametrize("balancer", problem.EVERY_BALANCER)
def test_training_is_that_without_the_steps_that_are_passed_over(balancer: str, rows: int) -> None:
    """With every method; one that reads several batches loses the whole step of such a batch."""
    taken = problem.balancer(balancer).batches
    labelled = batches(3 * taken)
    for place in range(taken):  # of the batch without a label, in the step of its own
        extra: list[Pair] = list(batches(taken))
        extra[place] = unlabelled(rows)
        trainer, found = trained(balancer, [*labelled[:taken], *extra, *labelled[taken:]])
        assert (trainer.state.step, trainer.state.skipped) == (4, 1)
        plain, expected = trained(balancer, labelled)
        assert (plain.state.step, plain.state.skipped) == (3, 0)
        assert same(found, expected)


@pytest.mark.parametrize("balancer", problem.EVERY_BALANCER)
def test_independent_batches_of_different_tasks_are_passed_over(balancer: str) -> None:
    """No row of one batch meets one of the other."""
    taken = problem.balancer(balancer).batches
    if taken == 1:
        return
    apart = [
        (x, {name: each[name]})
        for (x, each), name in zip(batches(2), ("kind", "size"), strict=True)
    ]
    data = [*batches(taken), *apart, *batches(taken - 2), *batches(taken)]
    trainer, _ = trained(balancer, data)
    assert (trainer.state.step, trainer.state.skipped) == (3, 1)


@pytest.mark.parametrize("balancer", ["Equal", "UPGrad", "UncertaintyWeights", "MoDo"])
def test_a_micro_batch_without_a_label_is_left_out_of_its_step(balancer: str) -> None:
    taken = problem.balancer(balancer).batches
    labelled = batches(2 * taken)
    with_empty = [each for pair in labelled for each in (pair, unlabelled(3))]
    _, expected = trained(balancer, labelled)
    trainer, found = trained(balancer, with_empty, accumulate=2)
    assert (trainer.state.step, trainer.state.skipped) == (2, 0)
    assert same(found, expected)


def test_a_part_without_a_label_is_not_run() -> None:
    net = model()
    one, other = (net.batch(*pair) for pair in (batches(1)[0], unlabelled(4)))
    joined = Batch(one.parts + other.parts)
    _, found = trained("UPGrad", [joined])
    _, expected = trained("UPGrad", [one])
    assert same(found, expected)


@pytest.mark.parametrize("nonfinite", ["raise", "skip"])
def test_the_log_says_so(tmp_path: Path, nonfinite: Any) -> None:
    data = [*batches(1), unlabelled(4), *batches(1)]
    trained("UPGrad", data, run=tmp_path / "run", nonfinite=nonfinite)
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    steps = [event for event in map(json.loads, lines) if event["event"] == "step"]
    reasons = [event.get("skipped") for event in steps]
    assert reasons == [None, "no task has a label in this step", None]


def test_penalties_do_not_act_alone() -> None:
    tasks = [Classification("kind", classes=2), Regression("size", mean=0.0, scale=1.0)]
    net = MultiTaskModel(
        Separate(lambda: nn.Linear(4, 4)),
        tasks,
        example=torch.zeros(2, 4),
        regularization=[PairwiseL2(strength=0.1)],
    )
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trainer = Trainer(net, epochs=1, device="cpu")
    trainer.labels.check = lambda: None  # type: ignore[method-assign]
    trainer.mixture, trainer.steps_per_epoch = MixtureLog([]), None
    trainer._begin(False, Feed([], 0))
    record = trainer._step([net.batch(*unlabelled(4))])
    assert record.skipped is not None
    assert same(before, net.state_dict())
