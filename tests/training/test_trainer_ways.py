"""Several batches, schedules, skipped steps, re-used weights and features in the Trainer."""

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import MGDA, Balancer, Equal, Info, LossSchedule, MoDo, SDMGrad, UPGrad
from plait.core.errors import ConfigError, DataError, NonFiniteError
from plait.data import InMemory, loader
from plait.encoders import ConvEncoder
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import BaseTask, Classification, DenseRegression, Regression, Segmentation
from plait.training import Callback, StepRecord, Trainer
from tests.engine.loops import rows_of
from tests.training.problem import (
    BALANCERS,
    StopAt,
    Stopped,
    assert_same_run,
    balancer,
    differences,
    events,
    model,
    saved,
)
from tests.training.test_reread import batches_of


class Seen(Callback):
    """Keeps the record of every step, and the weights after it."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.weights: list[dict[str, Tensor]] = []

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        self.steps.append(record)
        self.weights.append(copy.deepcopy(trainer.model.state_dict()))


def fit(made: MultiTaskModel, method: Balancer, batches: Any, **options: Any) -> list[StepRecord]:
    seen = Seen()
    settings = {"optimizer": torch.optim.SGD, "lr": 0.1, "epochs": 1, "device": "cpu"} | options
    trainer = Trainer(made, method, callbacks=[seen], **settings)
    trainer.fit(batches)
    assert trainer.state.step == len(seen.steps)
    return seen.steps


def losses_of(made: MultiTaskModel, batch: Any) -> dict[str, Tensor]:
    out = made(batch[0])
    return {name: task.loss(out[name], batch[1][name]) for name, task in made.tasks.items()}


def descend(parameters: Sequence[Tensor], objective: Tensor, lr: float = 0.1) -> None:
    found = torch.autograd.grad(objective, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, found, strict=True):
            if gradient is not None:
                parameter -= lr * gradient


# --- several batches --------------------------------------------------------------------------


@pytest.mark.parametrize(("sizes", "accumulate"), [((5, 3) * 3, 1), ((2, 3, 1, 2) * 3, 2)])
@pytest.mark.parametrize("left", [0, 1])
def test_modo_takes_two_batches_in_a_step(
    sizes: tuple[int, ...], accumulate: int, left: int
) -> None:
    """Algorithm 1 by hand on batches of 5 and 3; what is left over at the end is not used."""
    made, hand = model(statistics=False), model(statistics=False)
    rest = (4,) * left
    batches = batches_of((*sizes, *rest))
    records = fit(made, MoDo(gamma=0.3), batches, accumulate=accumulate, epochs=2)

    method, shared = MoDo(gamma=0.3), list(hand.sharing.parameters())
    whole = batches_of((5, 3) * 3 + rest)
    assert len(records) == 6
    for record, step in zip(records, [0, 2, 4] * 2, strict=True):
        one, two = (losses_of(hand, batch) for batch in whole[step : step + 2])
        cross = rows_of(one, shared) @ rows_of(two, shared).T
        weights = 3 * method.weights(cross, Info(tuple(one)))
        assert record.balance is not None and record.balance.weights is not None
        assert dict(
            zip(record.balance.tasks, record.balance.weights, strict=True)
        ) == pytest.approx(dict(zip(one, weights.tolist(), strict=True)), rel=1e-4)
        mean = {t: (5 * one[t] + 3 * two[t]).detach() / 8 for t in one}
        assert record.losses == pytest.approx({t: float(mean[t]) for t in mean}, rel=1e-4)
        trunk = sum(w * (one[t] + two[t]) / 2 for w, t in zip(weights, one, strict=True))
        heads = sum((one[t] + two[t]) / 2 for t in one)
        parameters = list(hand.heads.parameters())
        at_heads = torch.autograd.grad(heads, parameters, retain_graph=True)
        descend(shared, trunk)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, at_heads, strict=True):
                parameter -= 0.1 * gradient
    torch.testing.assert_close(made.state_dict(), hand.state_dict(), rtol=1e-4, atol=1e-6)


def test_too_few_batches_are_an_error_before_the_first_step() -> None:
    made = model(statistics=False)
    before = copy.deepcopy(made.state_dict())
    with pytest.raises(DataError, match="MoDo reads 2 independent batches in a step, 2 with"):
        fit(made, MoDo(), batches_of((6,)))
    with pytest.raises(DataError, match="independent batches in a step, 6 with `accumulate`"):
        fit(made, SDMGrad(solver="sgd"), batches_of((2,) * 5), accumulate=2)
    assert not list(differences(made.state_dict(), before))


def test_too_few_batches_of_a_loader_without_length_are_an_error_too() -> None:
    class Endless:
        def __iter__(self) -> Any:
            return iter(batches_of((6,)))

    with pytest.raises(DataError, match="MoDo reads 2 independent batches in a step"):
        fit(model(statistics=False), MoDo(), Endless())


# --- schedule ---------------------------------------------------------------------------------


def test_the_factor_of_a_task_rises_with_the_training() -> None:
    """Six steps: `amount` is at 0 up to 1/6, and rises up to 4/6 of the training."""
    made, hand = model(statistics=False), model(statistics=False)
    calls: list[str] = []
    for name, head in made.heads.items():
        head.register_forward_hook(lambda *_, name=name: calls.append(name))
    batches = batches_of((4, 4, 4))
    schedule = LossSchedule({"amount": (1 / 6, 4 / 6)})
    records = fit(made, Equal(), batches, schedule=schedule, epochs=2)
    factors = [0, 0, 1 / 3, 2 / 3, 1, 1]
    for step, (record, factor) in enumerate(zip(records, factors, strict=True)):
        losses = losses_of(hand, batches[step % 3])
        if factor == 0:
            del losses["amount"]
        assert record.losses == pytest.approx({t: loss.item() for t, loss in losses.items()})
        assert record.balance is not None
        assert set(record.balance.tasks) == set(losses)
        objective = sum(loss * (factor if t == "amount" else 1) for t, loss in losses.items())
        descend(list(hand.parameters()), objective)
    torch.testing.assert_close(made.state_dict(), hand.state_dict())
    assert sum("amount" in name for name in calls) == 4
    assert sum("kind" in name for name in calls) == 6


def test_an_absent_task_has_no_row() -> None:
    schedule = LossSchedule({"amount": (0.5, 0.5)})
    records = fit(model(statistics=False), UPGrad(), batches_of((4,) * 4), schedule=schedule)
    shapes = [record.balance.cosines.shape for record in records if record.balance is not None]
    assert shapes == [(2, 2), (2, 2), (3, 3), (3, 3)]


@pytest.mark.parametrize("name", BALANCERS)
def test_a_step_with_nothing_left_is_skipped_and_training_goes_on(
    name: str, tmp_path: Path
) -> None:
    batches = batches_of((4, 4, 4))
    for task in ("kind", "rare"):
        del batches[1][1][task]
    made, twin = model(statistics=False), model(statistics=False)
    schedule = LossSchedule({"amount": (0.9, 0.9)})
    records = fit(made, balancer(name), batches, schedule=schedule, run=tmp_path, epochs=2)
    assert [record.skipped is None for record in records] == [True, False, True] * 2
    for record in (records[1], records[4]):
        assert record.skipped == "no task that counts yet has a label in this step"
        assert (record.losses, record.counts, record.balance) == ({}, {}, None)
    lines = [line for line in events(tmp_path) if "losses" in line]
    assert ["skipped" in line for line in lines] == [False, True, False] * 2
    fit(twin, balancer(name), [batches[0], batches[2]], schedule=schedule, epochs=2)
    assert not list(differences(made.state_dict(), twin.state_dict()))


# --- steps that are not finite ----------------------------------------------------------------


class Root(nn.Module):
    """Adds the square root of 0, of which the gradient is not finite, where a batch is marked."""

    def forward(self, x: Tensor) -> Tensor:
        if float(x.detach().flatten()[0]) != 99.0:
            return x
        return x * 1e-3 + (x - x.detach()).square().sum(dim=1, keepdim=True).sqrt()


def with_root() -> MultiTaskModel:
    """Batch normalisation has statistics that a bad batch could spoil."""
    torch.manual_seed(0)
    encoder = nn.Sequential(Scale(), Root(), nn.Linear(6, 5), nn.BatchNorm1d(5))
    tasks: list[BaseTask] = [
        Classification("kind", classes=3),
        Regression("amount", mean=0.0, scale=1.0),
    ]
    return MultiTaskModel(
        Hard(encoder), [*tasks, Regression("rare", mean=0.0, scale=1.0)], example=torch.zeros(2, 6)
    )


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight if float(x.flatten()[0]) != 99.0 else x * (self.weight * 0 + 1)


def breaking(kind: str) -> list[Any]:
    """Five batches, of which the third is bad."""
    batches = batches_of((4,) * 5)
    inputs, targets = batches[2]
    if kind == "loss":
        targets["amount"] = targets["amount"] * 1e30
    elif kind == "inputs":
        inputs[0, 0] = math.nan
    else:
        inputs[0, 0] = 99.0
    return batches


@pytest.mark.parametrize("kind", ["loss", "inputs", "gradient"])
@pytest.mark.parametrize("name", [*BALANCERS, "FAMO"])
def test_a_bad_batch_is_left_out(name: str, kind: str, tmp_path: Path) -> None:
    """Weights and statistics are those of a training without it."""
    made, twin = with_root(), with_root()
    options: dict[str, Any] = {"nonfinite": "skip", "lr": 0.01}
    batches = breaking(kind)
    records = fit(made, balancer(name), batches, run=tmp_path, **options)
    assert [record.skipped is None for record in records] == [True, True, False, True, True]
    message = {"loss": "'amount' is inf", "inputs": "'amount' is nan", "gradient": "gradient"}[kind]
    assert message in (records[2].skipped or "")
    assert records[2].gradient_norm is None
    lines = [line for line in events(tmp_path) if "losses" in line]
    assert ["skipped" in line for line in lines] == [False, False, True, False, False]
    assert ("amount" not in lines[2]["losses"]) == (kind != "gradient")
    assert lines[2]["gradient_norm"] is None
    assert saved(tmp_path)["backward"]["skipped"] == 1
    state = made.state_dict()
    assert all(bool(value.isfinite().all()) for value in state.values())
    fit(twin, balancer(name), batches[:2] + batches[3:], **options)
    # A method of losses has seen those of the step before the gradient turned out to be bad
    if kind != "gradient" or name in ("Equal", "PCGrad", "UPGrad", "MoCo"):
        assert not list(differences(state, twin.state_dict()))


def test_without_the_option_a_bad_batch_is_an_error() -> None:
    for kind in ("loss", "inputs", "gradient"):
        with pytest.raises(NonFiniteError, match="step 3"):
            fit(with_root(), Equal(), breaking(kind), lr=0.01)


@pytest.mark.parametrize(
    "options", [{"nonfinite": "skip"}, {"every": 3}, {"every": 2, "nonfinite": "skip"}]
)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_resumes_exactly_with_skipped_steps_and_reused_weights(
    options: dict[str, Any], count: int, tmp_path: Path
) -> None:
    def batches() -> list[Any]:
        found = batches_of((4,) * 3)
        if "nonfinite" in options:
            found[1][1]["amount"] = found[1][1]["amount"] * 1e30
        return found

    def trainer(run: Path, *callbacks: Callback) -> Trainer:
        settings = {"run": run, "lr": 0.01, "epochs": 2, "device": "cpu", "checkpoint_every": 1}
        return Trainer(model(), balancer("PCGrad"), callbacks=callbacks, **settings, **options)

    trainer(tmp_path / "whole").fit(batches(), batches()[:1])
    # The callback comes before the checkpoint of its step
    with pytest.raises(Stopped):
        trainer(tmp_path / "again", StopAt("on_step_end", count)).fit(batches(), batches()[:1])
    torch.manual_seed(7)
    resumed = trainer(tmp_path / "again")
    resumed.fit(batches(), batches()[:1], resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "again")
    assert resumed.backward.memory.skipped == (2 if "nonfinite" in options else 0)


# --- weights for several steps ----------------------------------------------------------------


@pytest.mark.parametrize("accumulate", [1, 2])
def test_weights_serve_every_k_steps(accumulate: int) -> None:
    made, hand = model(statistics=False), model(statistics=False)
    sizes = (4,) * 3 if accumulate == 1 else (1, 3, 2, 2, 3, 1)
    records = fit(made, MGDA(), batches_of(sizes), every=2, accumulate=accumulate, epochs=2)
    assert [r.balance.reused for r in records if r.balance is not None] == [False, True] * 3
    shared, own = list(hand.sharing.parameters()), list(hand.heads.parameters())
    weights = torch.zeros(3)
    for step in range(6):
        losses = losses_of(hand, batches_of((4,) * 3)[step % 3])
        if step % 2 == 0:
            rows = rows_of(losses, shared)
            weights = 3 * MGDA().weights(rows @ rows.T)
        trunk = sum(w * loss for w, loss in zip(weights, losses.values(), strict=True))
        at_heads = torch.autograd.grad(sum(losses.values()), own, retain_graph=True)
        descend(shared, trunk)
        with torch.no_grad():
            for parameter, gradient in zip(own, at_heads, strict=True):
                parameter -= 0.1 * gradient
    torch.testing.assert_close(made.state_dict(), hand.state_dict(), rtol=1e-4, atol=1e-5)


# --- features ---------------------------------------------------------------------------------


def images() -> tuple[list[Any], MultiTaskModel]:
    """A dense head that reads all levels of a trunk, another one, and a scalar head."""
    size = 6
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(size, 1, 16, 16, generator=generator)
    source = InMemory(
        inputs,
        {
            "mask": (inputs[:, 0] > 0).long(),
            "depth": inputs.cumsum(dim=2),
            "kind": torch.arange(size) % 3,
        },
    )
    torch.manual_seed(0)
    tasks: list[BaseTask] = [
        Segmentation("mask", classes=2),
        DenseRegression("depth", mean=0.0, scale=1.0),
        Classification("kind", classes=3),
    ]
    encoder = ConvEncoder(in_channels=1, widths=(4, 8))
    made = MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 1, 16, 16))
    return list(loader(source, batch_size=3, shuffle=False)), made


@pytest.mark.parametrize("every", [1, 2])
def test_features_of_dense_and_scalar_heads_are_the_slow_upper_bound(every: int) -> None:
    """Gradients at all levels that heads read; then one pass of their weighted sum."""
    batches, made = images()
    hand = copy.deepcopy(made)
    records = fit(made, MGDA(), batches, at="features", every=every, epochs=2, lr=0.01)
    shared, own = list(hand.sharing.parameters()), list(hand.heads.parameters())
    weights, reads = torch.zeros(3), 0
    for step, record in enumerate(records):
        inputs, targets = batches[step % 2]
        given = hand.batch(inputs, targets)
        features = hand.sharing(inputs)
        levels = list({id(each): each for f in features.values() for each in f.levels}.values())
        leaves = {id(each): each.detach().requires_grad_() for each in levels}
        losses = {}
        for (name, task), head in zip(hand.tasks.items(), hand.heads.values(), strict=True):
            read = copy.copy(features[name])
            object.__setattr__(read, "levels", tuple(leaves[id(each)] for each in read.levels))
            losses[name] = task.loss(head(read), given.parts[0].targets[name])
        rows = rows_of(losses, list(leaves.values()))
        if step % every == 0:
            weights = 3 * MGDA().weights(rows @ rows.T)
        assert record.balance is not None and record.balance.weights is not None
        assert record.balance.weights == pytest.approx(weights.tolist(), rel=1e-4)
        reads = int((rows != 0).any(dim=1).sum())
        at_heads = torch.autograd.grad(sum(losses.values()), own, retain_graph=True)
        pieces = (weights @ rows).float().split([each.numel() for each in levels])
        shaped = [piece.view_as(each) for piece, each in zip(pieces, levels, strict=True)]
        at_trunk = torch.autograd.grad(levels, shared, shaped)
        with torch.no_grad():
            for parameter, gradient in zip([*shared, *own], [*at_trunk, *at_heads], strict=True):
                parameter -= 0.01 * gradient
    assert reads == 3
    torch.testing.assert_close(made.state_dict(), hand.state_dict(), rtol=1e-4, atol=1e-5)


def test_features_do_not_go_with_micro_batches() -> None:
    batches, made = images()
    with pytest.raises(ConfigError, match="at='features' needs the whole step in one batch"):
        fit(made, MGDA(), batches, at="features", accumulate=2)


@pytest.mark.parametrize("options", [{"route": "layers"}, {"route": "rows"}, {"chunk_size": 3}])
def test_every_route_trains_the_same_network(options: dict[str, Any]) -> None:
    batches, made = images()
    twin = copy.deepcopy(made)
    fit(made, UPGrad(), batches, epochs=2, lr=0.01)
    fit(twin, UPGrad(), batches, epochs=2, lr=0.01, **options)
    torch.testing.assert_close(made.state_dict(), twin.state_dict(), rtol=1e-4, atol=1e-5)


def test_options_reach_the_engine() -> None:
    with pytest.raises(ConfigError, match="`every` must be an integer"):
        Trainer(model(), UPGrad(), device="cpu", every=0)
