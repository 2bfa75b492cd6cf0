"""Losses reduced by label: with their shares of all labels they add up to the mean over these."""

from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel, Trainer
from plait.balancing import FORUM
from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.core.reduction import label_shares
from plait.distributed import ALONE
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training.losses import BatchLosses
from plait.training.problem import ModelProblem
from plait.training.shared_counts import labels_of
from tests.training import problem
from tests.training.partial_labels import (
    TASKS,
    Steps,
    alone,
    assert_close,
    masked,
    model,
    partial,
)

SEES_SCALE = [n for n in problem.EVERY_BALANCER if not problem.balancer(n).scale_free]
ONE_BATCH = [n for n in SEES_SCALE if problem.balancer(n).reads != "problem"]


def cut(made: MultiTaskModel, drawn: tuple[Any, ...], *bounds: int) -> list[Batch]:
    """Rows between bounds, as micro-batches."""
    inputs, labels, weights = drawn
    return [
        made.batch(
            inputs[a:b],
            {name: each[a:b] for name, each in labels.items()},
            {name: each[a:b] for name, each in weights.items()},
        )
        for a, b in pairwise(bounds)
    ]


# --- the mean over all labels ---------------------------------------------------------------


def assays(seed: int, rows: int = 20, count: int = 3) -> tuple[Tensor, Tensor]:
    """Numbers for a few rows of a matrix, the others NaN, as assays of molecules are."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 4, generator=draw, dtype=torch.float64)
    wanted = torch.randn(rows, count, generator=draw, dtype=torch.float64)
    lost = torch.rand(rows, count, generator=draw) < torch.tensor([0.1, 0.5, 0.9])
    lost[0] = False
    return inputs, wanted.masked_fill(lost, torch.nan)


def assay_model(weights: tuple[float, ...] = (1.0, 1.0, 1.0)) -> MultiTaskModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = nn.Sequential(nn.Linear(4, 6), nn.Tanh()).double()
    tasks = [
        Regression(f"assay {i}", mean=0.0, scale=1.0, weight=weight)
        for i, weight in enumerate(weights)
    ]
    return MultiTaskModel(Hard(trunk), tasks, example=torch.zeros(2, 4, dtype=torch.float64))


def columns(wanted: Tensor) -> dict[str, Tensor]:
    return {f"assay {i}": wanted[:, i : i + 1] for i in range(wanted.shape[1])}


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 2.0, 8.0)])
@pytest.mark.parametrize("seed", range(3))
def test_the_losses_add_up_to_the_mean_over_a_matrix_of_labels(
    seed: int, weights: tuple[float, ...]
) -> None:
    """Masked squared errors, times task weights, over the number of labels, as chemprop has it."""
    made, (inputs, wanted) = assay_model(weights), assays(seed)
    batch = made.batch(inputs, columns(wanted))
    losses = made.losses([made(inputs)], batch).by_label()
    predicted = torch.cat(list(made(inputs).values()), dim=1)
    errors = [
        weights[j] * (predicted[i, j] - wanted[i, j]).item() ** 2
        for i in range(len(wanted))
        for j in range(wanted.shape[1])
        if not wanted[i, j].isnan()
    ]
    total = torch.stack([*losses.values()]).sum()
    assert total.item() == pytest.approx(sum(errors) / len(errors), rel=1e-12)

    mask = ~wanted.isnan()
    squares = (predicted - wanted.nan_to_num()) ** 2
    mean = (squares * torch.tensor(weights, dtype=torch.float64) * mask).sum() / mask.sum()
    parameters = list(made.parameters())
    pairs = zip(
        torch.autograd.grad(total, parameters), torch.autograd.grad(mean, parameters), strict=True
    )
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_training_is_that_of_the_mean_over_all_labels() -> None:
    """Three epochs of a plain loop, with accumulation."""
    found, expected = assay_model(), assay_model()
    data = [assays(seed) for seed in range(4)]
    Trainer(
        found,
        optimizer=torch.optim.SGD,
        lr=0.1,
        epochs=3,
        accumulate=2,
        reduction="label",
        device="cpu",
        progress=False,
    ).fit([(inputs, columns(wanted)) for inputs, wanted in data])
    optimizer = torch.optim.SGD(expected.parameters(), lr=0.1)
    for _ in range(3):
        for pair in (data[:2], data[2:]):
            inputs, wanted = (torch.cat(each) for each in zip(*pair, strict=True))
            predicted = torch.cat(list(expected(inputs).values()), dim=1)
            there = ~wanted.isnan()
            optimizer.zero_grad()
            ((predicted[there] - wanted[there]) ** 2).mean().backward()
            optimizer.step()
    assert_close(found, expected)


# --- every method that sees the scale of a loss ------------------------------------------------


@pytest.mark.parametrize("name", SEES_SCALE)
def test_a_share_acts_as_a_static_weight_does(name: str) -> None:
    drawn = partial(0)
    shares = label_shares(masked(model(), *drawn).counts)
    assert len(set(shares.values())) > 1
    by_label, weighted = Steps(name, reduction="label"), Steps(name, weights=shares)
    for _ in range(3):
        for steps in (by_label, weighted):
            steps(*[masked(steps.model, *drawn)] * steps.taken)
    assert_close(by_label.model, weighted.model)
    assert_close(by_label.balancer, weighted.balancer)


@pytest.mark.parametrize("name", SEES_SCALE)
def test_a_method_that_is_not_refused_sees_the_shares(name: str) -> None:
    """FORUM does once the training losses count: its validation gradients have length 1."""
    made = [FORUM(phi=100.0) if name == "FORUM" else problem.balancer(name) for _ in range(2)]
    label, task = Steps(made[0], reduction="label"), Steps(made[1], reduction="task")
    for seed in range(2):
        drawn = [partial(seed + 10 * batch) for batch in range(label.taken)]
        for steps in (label, task):
            steps(*(masked(steps.model, *each) for each in drawn))
    pairs = zip(label.model.parameters(), task.model.parameters(), strict=True)
    assert max((a - b).abs().max().item() for a, b in pairs) > 1e-5


@pytest.mark.parametrize("name", ONE_BATCH)
def test_micro_batches_are_the_joined_batch(name: str) -> None:
    """Of labels that are spread unequally; a task is missing in some of them."""
    whole, micro = Steps(name, reduction="label"), Steps(name, reduction="label")
    for seed in range(2):
        drawn = [partial(seed + 10 * batch, missing=0.7) for batch in range(whole.taken)]
        one = whole(*(masked(whole.model, *each) for each in drawn))
        two = micro(*(part for each in drawn for part in cut(micro.model, each, 0, 2, 3, 12)))
        assert one.losses == pytest.approx(two.losses, rel=1e-10)
        assert one.shares == two.shares
    assert_close(whole.model, micro.model)


@pytest.mark.parametrize("name", SEES_SCALE)
def test_parts_of_several_sources_are_one_batch(name: str) -> None:
    whole, parts = Steps(name, reduction="label"), Steps(name, reduction="label")
    for seed in range(2):
        drawn = [partial(seed + 10 * batch) for batch in range(whole.taken)]
        one = whole(*(masked(whole.model, *each) for each in drawn))
        two = parts(*(alone(parts.model, *each) for each in drawn))
        assert one.shares == two.shares
    assert_close(whole.model, parts.model)


@pytest.mark.parametrize("name", sorted(set(problem.EVERY_BALANCER) - set(SEES_SCALE)))
def test_a_method_that_does_not_see_the_scale_is_refused(name: str) -> None:
    made = model()
    with pytest.raises(ConfigError, match=f"'label' multiplies .*, but {name} goes the same way"):
        Trainer(made, problem.balancer(name), reduction="label", device="cpu")
    Trainer(made, problem.balancer(name), reduction="task", device="cpu")


def test_some_methods_are_refused() -> None:
    assert set(SEES_SCALE) < set(problem.EVERY_BALANCER)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ConfigError, match="`reduction` must be 'task' or 'label'; found 'mean'"):
        Trainer(model(), reduction="mean", device="cpu")  # type: ignore[arg-type]


# --- which labels count ------------------------------------------------------------------------


def test_an_absent_task_has_no_share() -> None:
    steps = Steps(reduction="label")
    record = steps(masked(steps.model, *partial(0, absent=["kind"])))
    assert record.shares == label_shares(record.counts)
    assert record.shares.keys() == set(TASKS) - {"kind"}
    assert sum(record.shares.values()) == pytest.approx(1.0)


def test_one_task_alone_has_the_whole_share() -> None:
    absent = [name for name in TASKS if name != "kind"]
    one, two = Steps(reduction="label"), Steps(reduction="task")
    for steps in (one, two):
        steps(masked(steps.model, *partial(0, absent=absent)))
    assert all(map(torch.equal, one.model.parameters(), two.model.parameters()))


def test_masses_count_where_labels_are_weighted() -> None:
    steps = Steps(reduction="label")
    drawn = partial(3, "weight")
    record = steps(masked(steps.model, *drawn))
    mass = {
        name: float(steps.model.tasks[name].label_weights(drawn[1][name], drawn[2][name]).sum())
        for name in TASKS
    }
    assert record.shares == pytest.approx({n: m / sum(mass.values()) for n, m in mass.items()})


def test_a_schedule_multiplies_as_well_and_leaves_tasks_out() -> None:
    made = model()
    reading = BatchLosses(made, nullcontext(), {"kind": 0.0, "pair": 0.25}, "label")
    given = reading.select(masked(made, *partial(0)))
    assert given.counts.keys() == set(TASKS) - {"kind"}
    shares = label_shares(given.counts)
    _, losses = reading(given)
    for task, loss in losses.items():
        factor = 0.25 if task == "pair" else 1.0
        torch.testing.assert_close(loss, factor * shares[task] * losses.raw[task])


def test_losses_that_are_read_again_have_the_same_factors() -> None:
    """Those of the joined micro-batches."""
    made = model()
    reading = BatchLosses(made, nullcontext(), {}, "label")
    drawn = partial(0, missing=0.7)
    _, whole = reading(masked(made, *drawn))
    parts = cut(made, drawn, 0, 2, 3, 12)
    found = reading.joined(parts, labels_of(parts), ALONE)
    assert found.keys() == whole.keys()
    for task, loss in whole.items():
        torch.testing.assert_close(found[task], loss, rtol=1e-10, atol=1e-12)


def test_a_bilevel_problem_counts_the_labels_of_each_of_its_batches() -> None:
    made = model()
    train, val = masked(made, *partial(0)), masked(made, *partial(1, absent=["pair"]))
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    plain = ModelProblem(made, train, val, optimizer)
    found = ModelProblem(made, train, val, optimizer, reduction="label")
    for batch, ask in ((train, "train"), (val, "val")):
        shares = label_shares(batch.counts)
        factors = torch.tensor([shares.get(task, 0.0) for task in TASKS])
        losses = getattr(plain, ask)(plain.parameters)
        torch.testing.assert_close(getattr(found, ask)(found.parameters), factors * losses)


# --- in the log ----------------------------------------------------------------------------------


def test_the_log_has_the_own_means_and_the_shares(tmp_path: Path) -> None:
    made, drawn = model(), partial(0)
    batch = masked(made, *drawn)
    with torch.no_grad():
        expected = made.losses([made(drawn[0])], batch).raw
    for reduction in ("task", "label"):
        run = tmp_path / reduction
        Trainer(model(), epochs=1, device="cpu", progress=False, run=run, reduction=reduction).fit(
            [drawn]
        )
        (step,) = [each for each in problem.events(run) if each["event"] == "step"]
        assert step["losses"] == pytest.approx({n: float(x) for n, x in expected.items()})
        shares = label_shares(labels_of([batch]))
        assert step.get("shares", {}) == pytest.approx(shares if reduction == "label" else {})
        assert step["weights"] == dict.fromkeys(TASKS, 1.0)
