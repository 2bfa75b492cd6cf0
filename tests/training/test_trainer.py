"""The Trainer against hand-written loops, closed forms and scripted scores."""

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import plait
from plait.balancing import Equal, Info, LossBalancer, UncertaintyWeights
from plait.core.errors import ConfigError, DataError, NonFiniteError, RunExistsError
from plait.core.seeding import derive_seed
from plait.data import InMemory, collate, loader
from plait.encoders import ConvEncoder
from plait.evaluation import Evaluation, evaluate
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Hard, Separate
from plait.tasks import BaseTask, Classification, Regression
from plait.training import Callback, StepRecord, Trainer
from plait.training.feed import Feed
from tests.logged_steps import lines_of
from tests.training.problem import (
    BALANCERS,
    BATCH,
    SIZE,
    assert_same_model,
    balancer,
    data,
    differences,
    events,
    model,
    saved,
    train_loader,
    val_loader,
)

Batches = Sequence[tuple[Tensor, dict[str, Tensor]]]


def batches_of(sizes: Sequence[int], **options: Any) -> Batches:
    source = data(sum(sizes), **options)
    found, start = [], 0
    for size in sizes:
        found.append(collate([source[i] for i in range(start, start + size)]))
        start += size
    return found


def fit(made: MultiTaskModel, batches: Any, **options: Any) -> Trainer:
    """Plain gradient descent, unless it is said otherwise."""
    settings = {"optimizer": torch.optim.SGD, "lr": 0.1, "epochs": 1, "device": "cpu"} | options
    trainer = Trainer(made, settings.pop("balancer", None), **settings)
    trainer.fit(batches, settings.pop("val", None))
    return trainer


class Seen(Callback):
    """Keeps every step's record and every evaluation, with the weights after it."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.scores: list[float] = []
        self.evaluations: list[Evaluation] = []
        self.weights: list[dict[str, Tensor]] = []
        self.rates: list[float] = []

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        self.steps.append(record)
        self.rates.append(trainer.optimizer.param_groups[0]["lr"])

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        self.scores.append(score)
        self.evaluations.append(evaluation)
        self.weights.append(copy.deepcopy(trainer.model.state_dict()))


# --- the hand-written loop ------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True),
    "AdamW": torch.optim.AdamW,
    "RMSprop": torch.optim.RMSprop,
    "Adagrad": torch.optim.Adagrad,
}


def by_hand(
    made: MultiTaskModel,
    train: Any,
    optimizer: torch.optim.Optimizer,
    scheduler: Any = None,
    clip: float | None = None,
    epochs: int = 2,
) -> None:
    """The loop that a user would write; knows nothing of balancing."""
    feed = Feed(train, seed=0)
    torch.manual_seed(derive_seed(0, "fit"))
    made.train()
    for epoch in range(epochs):
        for inputs, targets in feed.epoch(epoch):
            optimizer.zero_grad()
            outputs = made(inputs)
            losses = [
                task.loss(outputs[name], targets[name])
                for name, task in made.tasks.items()
                if task.valid(targets[name]).any()
            ]
            torch.stack(losses).sum().backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(made.parameters(), clip)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()


@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("schedule", [None, "cosine"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equal_weights_are_the_hand_written_loop_exactly(
    name: str, schedule: str | None, clip: float | None
) -> None:
    """Batch normalisation, dropout, a shuffling loader, missing labels: to the last bit."""

    def cosine(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)

    scheduler = None if schedule is None else cosine
    hand, ours = model(), model()
    optimizer = OPTIMIZERS[name](
        [{"params": list(hand.parameters()), "lr": 0.02, "weight_decay": 0.01}]
    )
    by_hand(hand, train_loader("plain"), optimizer, scheduler and scheduler(optimizer), clip)
    trainer = fit(
        ours,
        train_loader("plain"),
        optimizer=OPTIMIZERS[name],
        lr=0.02,
        weight_decay=0.01,
        scheduler=scheduler,
        clip=clip,
        epochs=2,
    )
    assert_same_model(ours, hand)
    assert not list(
        differences(trainer.optimizer.state_dict()["state"], optimizer.state_dict()["state"])
    )
    assert trainer.state.step == 10


def test_clipping_was_at_work_in_that_test() -> None:
    """Else the comparison with clip would say nothing."""
    seen = Seen()
    fit(model(), train_loader("plain"), clip=0.3, callbacks=[seen])
    assert max(record.gradient_norm for record in seen.steps) > 0.3


def test_the_gradient_norm_is_that_before_clipping() -> None:
    batch = batches_of([6])[0]
    made = model(statistics=False)
    twin = copy.deepcopy(made)
    outputs = twin(batch[0])
    sum(task.loss(outputs[name], batch[1][name]) for name, task in twin.tasks.items()).backward()
    expected = math.sqrt(sum(float(p.grad.square().sum()) for p in twin.parameters()))
    seen = Seen()
    fit(made, [batch], clip=1e-3, callbacks=[seen])
    assert seen.steps[0].gradient_norm == pytest.approx(expected, rel=1e-6)


def test_static_weights_multiply_the_losses() -> None:
    """The loss of weight w is w times the loss: gradient descent moves the head w times as far."""
    moves = {}
    for weight in (1.0, 3.0):
        task = Regression("amount", mean=0.0, scale=1.0, weight=weight)
        made = MultiTaskModel(Hard(nn.Identity()), [task], example=torch.zeros(2, 6))
        before = [p.detach().clone() for p in made.parameters()]
        fit(made, [batches_of([6])[0]])
        moves[weight] = [a - b for a, b in zip(made.parameters(), before, strict=True)]
    for small, large in zip(moves[1.0], moves[3.0], strict=True):
        torch.testing.assert_close(large, 3 * small)


# --- accumulation ---------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(4, 4, 4), (7, 2, 3), (1, 10, 1)])
@pytest.mark.parametrize("name", BALANCERS)
def test_micro_batches_are_one_large_batch(name: str, sizes: tuple[int, ...]) -> None:
    """Also where a task has all of its labels in one of them, or none in the first."""
    micro, whole = batches_of(sizes), batches_of([12])
    labels = [[float(torch.isfinite(targets["rare"]).sum()) for _, targets in micro]]
    assert len(set(labels[0])) > 1, "labels are spread unequally"
    results = []
    for batches, accumulate in ((micro, 3), (whole, 1)):
        made, seen, chosen = model(statistics=False), Seen(), balancer(name)
        trainer = fit(
            made,
            batches,
            balancer=chosen,
            accumulate=accumulate,
            epochs=4,
            callbacks=[seen],
        )
        assert trainer.state.step == 4
        results.append((made, chosen, seen))
    (one, balanced, record), (two, expected, other) = results
    torch.testing.assert_close(one.state_dict(), two.state_dict(), rtol=1e-4, atol=1e-5)
    for key, value in balanced.named_parameters():
        torch.testing.assert_close(value, dict(expected.named_parameters())[key])
    for a, b in zip(record.steps, other.steps, strict=True):
        assert a.losses == pytest.approx(b.losses, rel=1e-4)
        assert a.counts == b.counts
        assert a.gradient_norm == pytest.approx(b.gradient_norm, rel=1e-4)
        if a.balance.weights is None:  # a method of rows has none
            continue
        first = dict(zip(a.balance.tasks, a.balance.weights, strict=True))
        second = dict(zip(b.balance.tasks, b.balance.weights, strict=True))
        assert first == pytest.approx(second, rel=1e-3)


def test_the_last_window_of_an_epoch_may_be_smaller() -> None:
    trainer = fit(model(), train_loader(), accumulate=3, epochs=2)  # 5 batches
    assert trainer.state.step == 4
    assert trainer.steps_per_epoch == 2


def test_a_penalty_counts_once_in_a_step() -> None:
    def separate() -> MultiTaskModel:
        tasks: list[BaseTask] = [
            Classification("kind", classes=3),
            Regression("amount", mean=0.0, scale=1.0),
        ]
        return MultiTaskModel(
            Separate(lambda: nn.Linear(6, 4)),
            tasks,
            example=torch.zeros(2, 6),
            regularization=[PairwiseL2(strength=0.05)],
        )

    def spread(made: MultiTaskModel) -> None:
        with torch.no_grad():
            for position, parameter in enumerate(made.sharing.parameters()):
                parameter.add_(0.1 * position)

    results = []
    for sizes, accumulate in (((3, 3), 2), ((6,), 1)):
        made, seen = separate(), Seen()
        spread(made)
        fit(made, batches_of(sizes), accumulate=accumulate, callbacks=[seen])
        results.append((made, seen.steps[0].terms))
    torch.testing.assert_close(results[0][0].state_dict(), results[1][0].state_dict())
    ((name, (raw, scaled)),) = results[0][1].items()
    assert name == "PairwiseL2[0]"
    assert raw > 0
    assert scaled == pytest.approx(0.05 * raw)
    assert results[1][1][name] == pytest.approx((raw, scaled))


# --- precision ------------------------------------------------------------------------------


def test_bf16_is_close_to_fp32_and_is_bf16() -> None:
    found: dict[str, tuple[list[torch.dtype], list[dict[str, float]]]] = {}
    for precision in ("fp32", "bf16"):
        made, seen, dtypes = model(statistics=False), Seen(), []
        made.sharing.encoder[0].register_forward_hook(
            lambda module, given, output, dtypes=dtypes: dtypes.append(output.dtype)
        )
        fit(made, batches_of([16]), precision=precision, epochs=10, callbacks=[seen])
        assert all(p.dtype == torch.float32 for p in made.parameters())
        found[precision] = dtypes, [record.losses for record in seen.steps]
    assert set(found["fp32"][0]) == {torch.float32}
    assert set(found["bf16"][0]) == {torch.bfloat16}
    for exact, rounded in zip(found["fp32"][1], found["bf16"][1], strict=True):
        assert rounded == pytest.approx(exact, rel=0.05, abs=0.01)
    assert found["fp32"][1] != found["bf16"][1]


# --- the rule: best epoch, early stopping, plateau ------------------------------------------


def scripted(scores: Sequence[float]) -> Callable[[Evaluation], float]:
    left = iter(scores)
    return lambda evaluation: next(left)


@pytest.mark.parametrize("keep", ["files", "memory"])
@pytest.mark.parametrize(
    ("scores", "patience", "best", "epochs"),
    [
        ([1, 3, 2, 2.5, 9], 2, 2, 4),  # stopped before the 9
        ([1, 3, 2, 4, 3], 2, 4, 5),
        ([5, 5, 5, 5, 5], 3, 1, 4),  # as good as before is no new best
        ([1, 2, 3, 4, 5], 1, 5, 5),
        ([-3, -1, -2, -4, -5], None, 2, 5),
    ],
)
def test_best_epoch_and_early_stopping(
    scores: list[float], patience: int | None, best: int, epochs: int, keep: str, tmp_path: Path
) -> None:
    seen, made = Seen(), model()
    trainer = Trainer(
        made,
        lr=0.05,
        epochs=5,
        device="cpu",
        rule=scripted(scores),
        patience=patience,
        run=tmp_path if keep == "files" else None,
        callbacks=[seen],
    )
    state = trainer.fit(train_loader(), val_loader())
    assert state is trainer.state
    assert (state.epoch, state.best_epoch) == (epochs, best)
    assert state.best_score == max(scores[:epochs])
    assert state.best_metrics == seen.evaluations[best - 1].metrics
    assert not list(differences(made.state_dict(), seen.weights[best - 1]))
    assert len({str(weights) for weights in seen.weights}) == epochs, "the weights did change"
    if keep == "files":
        assert not list(differences(saved(tmp_path, "best.pt")["model"], seen.weights[best - 1]))
        assert not list(differences(saved(tmp_path)["model"], seen.weights[-1]))


def test_without_validation_the_last_weights_stay() -> None:
    made = model()
    state = fit(made, train_loader("plain"), epochs=2).state
    hand = model()
    by_hand(hand, train_loader("plain"), torch.optim.SGD(hand.parameters(), lr=0.1))
    assert_same_model(made, hand)
    assert state.best_epoch == 0


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("loss", lambda e: -sum(e.losses.values())),
        ("kind/accuracy", lambda e: e.metrics["kind"]["accuracy"]),
        ("amount/mae", lambda e: -e.metrics["amount"]["mae"]),
        (
            "skill",
            lambda e: np.mean(
                [
                    (e.metrics[task][m] - e.trivial[task][m]) / (perfect - e.trivial[task][m])
                    for task, m, perfect in (
                        ("kind", "accuracy", 1),
                        ("amount", "mae", 0),
                        ("rare", "mae", 0),
                    )
                ]
            ),
        ),
    ],
)
def test_the_score_is_that_of_the_rule(rule: str, value: Callable[[Evaluation], float]) -> None:
    seen = Seen()
    trainer = Trainer(model(), lr=0.05, epochs=3, device="cpu", rule=rule, callbacks=[seen])
    trainer.fit(train_loader(), val_loader())
    assert seen.scores == pytest.approx([value(each) for each in seen.evaluations])
    assert trainer.state.best_epoch == 1 + int(np.argmax(seen.scores))


def test_trivial_metrics_are_those_of_the_training_labels() -> None:
    """The median of the training labels, and the majority class."""
    seen = Seen()
    Trainer(model(), epochs=2, device="cpu", callbacks=[seen]).fit(train_loader(), val_loader())
    train, val = data().targets, data(24, seed=1).targets
    median = train["amount"].nanmedian()
    expected = float((val["amount"] - median).abs().nanmean())
    known = train["kind"][train["kind"] >= 0]
    majority = known.bincount().argmax()
    labels = val["kind"][val["kind"] >= 0]
    for evaluation in seen.evaluations:
        assert evaluation.trivial["amount"]["mae"] == pytest.approx(expected, rel=1e-5)
        share = float((labels == majority).float().mean())
        assert evaluation.trivial["kind"]["accuracy"] == pytest.approx(share)


def test_labels_of_weight_zero_are_not_in_the_trivial_mean() -> None:
    labels = torch.tensor([[1.0], [2.0], [100.0]])
    weights = {"amount": torch.tensor([1.0, 1.0, 0.0])}
    batch = (torch.randn(3, 6), {"amount": labels}, weights)
    made = MultiTaskModel(
        Hard(nn.Identity()), [Regression("amount", mean=0.0, scale=1.0)], example=torch.zeros(2, 6)
    )
    seen = Seen()
    trainer = Trainer(made, epochs=1, device="cpu", callbacks=[seen])
    trainer.fit([batch], [batch])
    # |1 - 1.5| and |2 - 1.5|
    assert seen.evaluations[0].trivial["amount"]["mae"] == pytest.approx(0.5)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_reduce_on_plateau_reads_the_score(mode: Any) -> None:
    """Better scores at epochs 1, 2 and 5: with a patience of 1, epoch 4 halves the rate."""

    def plateau(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode=mode, factor=0.5, patience=1, threshold_mode="abs"
        )

    rates: list[float] = []

    class Rates(Callback):
        def on_epoch_end(self, trainer: Trainer) -> None:
            rates.append(trainer.optimizer.param_groups[0]["lr"])

    trainer = Trainer(
        model(),
        lr=0.08,
        epochs=7,
        device="cpu",
        scheduler=plateau,
        rule=scripted([1, 2, 2, 2, 5, 4, 3]),
        callbacks=[Rates()],
    )
    trainer.fit(train_loader(), val_loader())
    assert rates == pytest.approx([0.08, 0.08, 0.08, 0.04, 0.04, 0.04, 0.02])


def test_other_schedulers_step_after_each_optimizer_step() -> None:
    def halve(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)

    seen = Seen()
    fit(model(), train_loader(), scheduler=halve, lr=0.08, epochs=2, callbacks=[seen])
    assert seen.rates == pytest.approx([0.08] * 2 + [0.04] * 3 + [0.02] * 3 + [0.01] * 2)


# --- optimizers -----------------------------------------------------------------------------


def test_learned_weights_reach_the_optimizer() -> None:
    """One step of gradient descent on ``exp(-s) L / 2 + s / 2`` from s = 0."""
    chosen, seen = UncertaintyWeights(), Seen()
    fit(model(), batches_of([8]), balancer=chosen, lr=0.1, weight_decay=0.5, callbacks=[seen])
    learned = dict(chosen.log_variance)
    assert len(learned) == 3
    for (name, loss), s in zip(seen.steps[0].losses.items(), learned.values(), strict=True):
        assert float(s.detach()) == pytest.approx(-0.1 * 0.5 * (1 - loss), rel=1e-5), name


def test_an_optimizer_made_by_hand_is_used() -> None:
    made, chosen = model(), UncertaintyWeights()
    optimizer = torch.optim.SGD(plait.parameter_groups(made, chosen, lr=0.1))
    twin, other = model(), UncertaintyWeights()
    fit(made, train_loader(), balancer=chosen, optimizer=optimizer)
    fit(twin, train_loader(), balancer=other)
    assert_same_model(made, twin)
    assert_same_model(chosen, other)


def test_an_optimizer_that_lacks_a_parameter_is_refused() -> None:
    made = model()
    partial = torch.optim.SGD(made.heads.parameters(), lr=0.1)
    with pytest.raises(
        ConfigError, match=r"does not have sharing\.encoder\.0\.weight of the model"
    ):
        Trainer(made, optimizer=partial)
    made.sharing.requires_grad_(False)
    Trainer(made, optimizer=partial, device="cpu")


def test_an_optimizer_that_lacks_the_learned_weights_is_refused() -> None:
    made = model()
    with pytest.raises(ConfigError, match=r"log_variance.* of the balancer, which would never"):
        Trainer(made, UncertaintyWeights(), optimizer=torch.optim.SGD(made.parameters(), lr=0.1))


def test_frozen_parts_stay() -> None:
    made = model()
    made.sharing.encoder[0].requires_grad_(False)
    before = copy.deepcopy(made.sharing.encoder[0].state_dict())
    fit(made, train_loader(), optimizer=torch.optim.AdamW, weight_decay=0.1)
    assert not list(differences(made.sharing.encoder[0].state_dict(), before))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "`epochs` must be an integer of at least 1; found 0"),
        ({"accumulate": 0}, "`accumulate` must be an integer of at least 1"),
        ({"clip": 0.0}, "`clip` must be a number above 0 or None"),
        ({"clip": math.nan}, "`clip` must be a number above 0 or None"),
        ({"patience": 0}, "`patience` must be an integer of at least 1 or None"),
        ({"log_every": 0}, "`log_every` must be an integer of at least 1"),
        ({"checkpoint_every": -1}, "`checkpoint_every` must be an integer of at least 1 or None"),
        ({"lr": -0.1}, "`lr` must be a number above 0"),
        ({"weight_decay": -0.1}, "`weight_decay` must be a number of at least 0"),
        ({"rule": "skil"}, "Did you mean 'skill'"),
        ({"rule": "kind/f1"}, "unknown rule 'kind/f1'"),
        ({"device": "cup"}, "`device` 'cup' cannot be used"),
        ({"precision": "fp16"}, "`precision` must be"),
        ({"scale": "mean"}, "`scale` must be"),
        ({"head_weights": "none"}, "`head_weights` must be"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Trainer(model(), **{"device": "cpu", **options})


# --- what is told to balancers --------------------------------------------------------------


class Spy(LossBalancer):
    """Equal weights; keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Info] = []
        self.steps = 0

    def objective(self, losses: Tensor, info: Info) -> Tensor:
        self.told.append(info)
        return losses.sum()

    def after_step(self, reread: Any = None) -> None:
        self.steps += 1


def test_a_balancer_is_told_where_the_training_is() -> None:
    def decay(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)

    spy = Spy()
    fit(model(), train_loader(), balancer=spy, epochs=2, scheduler=decay, lr=0.08)
    assert spy.steps == 10
    assert [info.epoch for info in spy.told] == [0] * 5 + [1] * 5
    assert [info.progress for info in spy.told] == pytest.approx([i / 10 for i in range(10)])
    assert [info.learning_rate for info in spy.told] == pytest.approx(
        [0.08 * 0.5**i for i in range(10)]
    )
    assert all(info.losses is not None and len(info.losses) == len(info.tasks) for info in spy.told)


def test_progress_without_a_length_is_that_of_the_epochs() -> None:
    class NoLength:
        def __iter__(self) -> Any:
            return iter(batches_of([8, 8]))

    spy = Spy()
    fit(model(), NoLength(), balancer=spy, epochs=4)
    assert [info.progress for info in spy.told] == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]


# --- the run folder -------------------------------------------------------------------------


def test_events(tmp_path: Path) -> None:
    """Every number of the log is the one that was told; times and steps go up."""
    seen = Seen()
    trainer = Trainer(
        model(),
        lr=0.01,
        epochs=2,
        device="cpu",
        run=tmp_path,
        accumulate=2,
        measure_every=2,
        callbacks=[seen],
    )
    trainer.fit(train_loader(), val_loader())
    lines = lines_of(tmp_path)
    labels, lines = lines[:4], lines[4:]
    assert [line["event"] for line in labels] == ["labels", "warning"] * 2
    assert [line["split"] for line in labels[::2]] == ["train", "val"]
    assert [line["event"] for line in lines] == ["step"] * 3 + ["evaluation"] + ["step"] * 3 + [
        "evaluation",
        "end",
    ]
    assert lines.pop()["text"].startswith("still improving: the last epoch, 2, is the best")
    times = [line["seconds"] for line in lines]
    assert times == sorted(times)
    steps = [line for line in lines if line["event"] == "step"]
    assert [(line["step"], line["epoch"]) for line in steps] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 1),
        (5, 1),
        (6, 1),
    ]
    for line, record in zip(steps, seen.steps, strict=True):
        assert line["losses"] == record.losses
        assert line["gradient_norm"] == record.gradient_norm
        assert line["lr"] == 0.01
        assert line["weights"] == dict(
            zip(record.balance.tasks, record.balance.weights.tolist(), strict=True)
        )
        assert ("norms" in line) == ("cosines" in line) == (line["step"] % 2 == 0)
    for line, evaluation, score, epoch in zip(
        lines[3::4], seen.evaluations, seen.scores, (1, 2), strict=True
    ):
        assert (line["epoch"], line["step"]) == (epoch, 3 * epoch)
        assert line["score"] == score
        assert line["losses"] == evaluation.losses
        assert line["metrics"] == evaluation.metrics
        assert line["trivial"] == evaluation.trivial
        assert line["counts"] == evaluation.counts
    again = evaluate(trainer.model, val_loader())
    best = lines[3::4][trainer.state.best_epoch - 1]
    assert again.metrics == best["metrics"], "what was logged is what the kept weights reach"


def test_measuring_changes_nothing_and_gives_norms_and_cosines(tmp_path: Path) -> None:
    """Norms and cosines against one backward pass for each task by hand."""
    batch, made = batches_of([8], missing=False)[0], model(statistics=False)
    twin = copy.deepcopy(made)
    outputs = twin(batch[0])
    shared = list(twin.sharing.parameters())
    rows = {
        name: torch.cat(
            [
                g.flatten()
                for g in torch.autograd.grad(
                    task.loss(outputs[name], batch[1][name]), shared, retain_graph=True
                )
            ]
        )
        for name, task in twin.tasks.items()
    }
    plain = model(statistics=False)
    fit(plain, [batch])
    fit(made, [batch], run=tmp_path, measure_every=1)
    torch.testing.assert_close(made.state_dict(), plain.state_dict())
    (step,) = (line for line in events(tmp_path) if line["event"] == "step")
    assert step["norms"] == pytest.approx({n: float(row.norm()) for n, row in rows.items()})
    assert len(step["cosines"]) == 3
    for first, second, cosine in step["cosines"]:
        expected = torch.cosine_similarity(rows[first], rows[second], dim=0)
        assert cosine == pytest.approx(float(expected), abs=1e-5)


def test_penalties_are_logged_by_name(tmp_path: Path) -> None:
    tasks: list[BaseTask] = [
        Classification("kind", classes=3),
        Regression("amount", mean=0.0, scale=1.0),
    ]
    made = MultiTaskModel(
        Separate(lambda: nn.Linear(6, 4)),
        tasks,
        example=torch.zeros(2, 6),
        regularization=[PairwiseL2(strength=0.25)],
    )
    first, second = (
        [p.detach().clone() for p in net.parameters()] for net in made.sharing.networks().values()
    )
    expected = sum(float((a - b).square().sum()) for a, b in zip(first, second, strict=True))
    fit(made, batches_of([6]), run=tmp_path)
    raw, scaled = events(tmp_path)[0]["terms"]["PairwiseL2[0]"]
    assert raw == pytest.approx(expected, abs=1e-6)
    assert scaled == pytest.approx(0.25 * raw)


def test_the_log_is_on_the_disk_every_so_many_steps(tmp_path: Path) -> None:
    written: list[int] = []

    class Look(Callback):
        def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
            path = tmp_path / "events.jsonl"
            written.append(path.read_text().count('"event": "step"'))

    fit(model(), train_loader(), run=tmp_path, log_every=2, callbacks=[Look()])
    assert written == [0, 2, 2, 4, 4]


def test_a_folder_that_holds_a_run_is_refused_untouched(tmp_path: Path) -> None:
    fit(model(), train_loader(), run=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = model(seed=1)
    with pytest.raises(RunExistsError, match="already holds a run; nothing in it was touched"):
        fit(other, train_loader(), run=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert_same_model(other, model(seed=1))


def test_fitting_twice_starts_the_statistics_anew() -> None:
    seen = Seen()
    trainer = Trainer(model(), epochs=1, device="cpu", callbacks=[seen])
    other = InMemory(torch.randn(8, 6), {**data(8).targets, "amount": torch.full((8, 1), 7.0)})
    trainer.fit(train_loader(), val_loader())
    trainer.fit(loader(other, batch_size=BATCH, shuffle=False), val_loader())
    labels = data(24, seed=1).targets["amount"]
    expected = float((labels - 7).abs().nanmean())
    assert seen.evaluations[1].trivial["amount"]["mae"] == pytest.approx(expected, rel=1e-5)


# --- bad data -------------------------------------------------------------------------------


def test_a_task_without_any_label_in_the_first_epoch_is_an_error() -> None:
    source = data()
    source.targets["rare"] = torch.full((SIZE, 1), math.nan)
    batches = list(loader(source, batch_size=BATCH, shuffle=True))
    with pytest.raises(DataError, match="task rare had no valid label in the whole first epoch"):
        fit(model(), batches)


def test_a_task_without_any_label_in_tables_is_an_error_before_training(tmp_path: Path) -> None:
    source, seen = data(), Seen()
    source.targets["rare"] = torch.full((SIZE, 1), math.nan)
    batches = loader(source, batch_size=BATCH, shuffle=True)
    with pytest.raises(DataError, match="task rare has no valid label in the training data"):
        fit(model(), batches, run=tmp_path / "run", callbacks=[seen])
    assert seen.steps == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ahead", [True, False])
def test_a_task_that_is_never_named_is_an_error(ahead: bool) -> None:
    source = data()
    source.targets["size"] = source.targets.pop("rare")
    batches = loader(source, batch_size=BATCH, shuffle=True)
    with pytest.raises(
        DataError, match=r"task rare ha. no valid label .* Labels of no task were there: size\."
    ):
        fit(model(), batches if ahead else list(batches))


def test_what_a_loader_yields_has_to_be_a_pair() -> None:
    with pytest.raises(DataError, match=r"a loader must yield \(inputs, \{task: labels\}\)"):
        fit(model(), [torch.zeros(2, 6)])


def breaking(at: int, value: float, task: str = "amount") -> Batches:
    """Eight batches; in one of them the inputs make the losses infinite or NaN."""
    found = list(batches_of([4] * 8))
    found[at][0][0] = value
    return found


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", BALANCERS)
def test_a_loss_that_is_not_finite_stops_before_the_step(
    name: str, accumulate: int, value: float, tmp_path: Path
) -> None:
    """It names task and step; weights and optimizer are those of the step before."""
    batches = breaking(5, value)
    step = 5 // accumulate + 1
    options: dict[str, Any] = {
        "optimizer": torch.optim.AdamW,
        "accumulate": accumulate,
        "checkpoint_every": 1,
    }
    made, expected = linear(), linear()
    before = fit(expected, batches[: accumulate * (step - 1)], balancer=balancer(name), **options)
    trainer = Trainer(made, balancer(name), device="cpu", lr=0.1, epochs=1, run=tmp_path, **options)
    with pytest.raises(NonFiniteError, match=rf"step {step}: .*'amount'"):
        trainer.fit(batches)
    assert_same_model(made, expected)
    assert not list(differences(trainer.optimizer.state_dict(), before.optimizer.state_dict()))
    assert trainer.state.step == step - 1
    assert not list(differences(saved(tmp_path)["model"], made.state_dict()))
    assert [line["step"] for line in events(tmp_path)] == list(range(1, step))


def linear() -> MultiTaskModel:
    tasks: list[BaseTask] = [
        Regression("amount", mean=0.0, scale=1.0),
        Regression("rare", mean=0.0, scale=1.0),
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = nn.Linear(6, 4)
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 6))


@pytest.mark.parametrize("name", BALANCERS)
def test_a_gradient_that_is_not_finite_stops_before_the_step(name: str) -> None:
    """The square root of 0 is finite, its gradient is not."""

    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - x.detach()).square().sum(dim=1, keepdim=True).sqrt() + x

    encoder = nn.Sequential(nn.Linear(6, 4), Root())
    tasks: list[BaseTask] = [
        Regression("amount", mean=0.0, scale=1.0),
        Regression("rare", mean=0.0, scale=1.0),
    ]
    made = MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 6))
    before = copy.deepcopy(made.state_dict())
    with pytest.raises(NonFiniteError, match=r"step 1: .*not finite"):
        fit(made, batches_of([8], missing=False), balancer=balancer(name))
    assert not list(differences(made.state_dict(), before))


def test_head_and_labels_that_do_not_fit_are_refused() -> None:
    inputs, targets = batches_of([6])[0]
    targets["amount"] = torch.zeros(6, 2)
    with pytest.raises(
        plait.core.errors.ShapeError, match=r"task 'amount': the head gives \[6, 1\]"
    ):
        fit(model(), [(inputs, targets)])


# --- any torch module and loader ------------------------------------------------------------


def test_images_from_a_plain_torch_loader() -> None:
    images = InMemory(torch.randn(8, 1, 16, 16), {"kind": torch.arange(8) % 3})
    encoder = ConvEncoder(in_channels=1, widths=(4, 8), norm=True)
    task = Classification("kind", classes=3)
    made = MultiTaskModel(Hard(encoder), [task], example=torch.zeros(2, 1, 16, 16))
    seen = Seen()
    trainer = Trainer(made, Equal(), lr=0.05, epochs=15, device="cpu", callbacks=[seen])
    trainer.fit(DataLoader(images, batch_size=8, shuffle=True))
    first, last = seen.steps[0].losses["kind"], seen.steps[-1].losses["kind"]
    assert last < 0.1 < 1 < first
