"""The check of the first steps: whoever cannot learn is named, and nothing else changes."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import LossSchedule
from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.outputs import Losses
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.reports.read.run import read_run
from plait.reports.words.notices import notices
from plait.sharing import Conditioned, Hard, Separate
from plait.sharing.conditioning import LoRA
from plait.tasks import Regression, Task
from plait.tasks.heads import ScalarHead
from plait.training import Callback, Trainer
from tests.training import problem
from tests.training.problem import StopAt, Stopped, assert_same_model, assert_same_run

SIZE, BATCH = 48, 8


def data(*, missing: float = 0.0) -> InMemory:
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(SIZE, 6, generator=draw)
    good, own = inputs[:, :1] + 1, inputs[:, 1:2] - inputs[:, 2:3]
    own = own.masked_fill(torch.rand(SIZE, 1, generator=draw) < missing, math.nan)
    return InMemory(inputs, {"good": good, "own": own})


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 1)

    def forward(self, features: Any) -> Tensor:
        found: Tensor = (
            self.layer(features.levels[-1].detach()).detach() + features.levels[-1][:, :1]
        )
        return found


class Hidden(nn.Module):
    """Its layer is in a list, where neither the model nor the optimizer finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(5, 1)]

    def forward(self, features: Any) -> Tensor:
        found: Tensor = self.layers[0](features.levels[-1])
        return found


class HeadOnly(ScalarHead):
    """Reads the features, and gives them no gradient."""

    def forward(self, features: Any) -> Tensor:
        return super().forward(replace(features, levels=tuple(x.detach() for x in features.levels)))


def squared(prediction: Tensor, labels: Tensor) -> Tensor:
    return (prediction - labels) ** 2


def own(
    loss: Callable[[Tensor, Any], Tensor] = squared,
    head: Callable[[], nn.Module] | None = None,
    **options: Any,
) -> Task:
    return Task(
        "own", head=lambda shape: head() if head else ScalarHead(shape, 1), loss=loss, **options
    )


def built(task: Any, encoder: nn.Module | None = None, **options: Any) -> MultiTaskModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = encoder or nn.Sequential(nn.Linear(6, 5), nn.Tanh())
        tasks = [Regression("good", mean=0.0, scale=1.0), task]
        sharing = options.pop("sharing", Hard)(encoder)
        return MultiTaskModel(sharing, tasks, example=torch.zeros(2, 6), **options)


class Said(Callback):
    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def on_first_steps(self, trainer: Trainer, line: str) -> None:
        self.lines.append((trainer.state.step, line))


def trained(
    model: MultiTaskModel, balancer: Any = None, *, missing: float = 0.0, **options: Any
) -> tuple[Trainer, list[tuple[int, str]]]:
    said = Said()
    given: dict[str, Any] = {"epochs": 5, "lr": 1e-3, "device": "cpu", "rule": "loss", **options}
    callbacks = [said, *given.pop("callbacks", [])]
    trainer = Trainer(model, balancer, progress=False, callbacks=callbacks, **given)
    trainer.fit(loader(data(missing=missing), batch_size=BATCH, shuffle=True))
    return trainer, said.lines


# --- a task that cannot learn ------------------------------------------------------------------


def constant(prediction: Tensor, labels: Tensor) -> Tensor:
    return 0 * (prediction - labels) + 1


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (own(lambda p, y: p**2), "its labels do not reach its loss"),
        (own(lambda p, y: (p**2).mean()), "its labels do not reach its loss"),
        (own(constant), "its loss is constant"),
        (own(head=Detached), "its loss did not reach its head in each of its first 20 steps"),
        (own(head=Hidden), r"come from a parameter \[1, 5\] that the optimizer does not have"),
    ],
    ids=["labels", "scalar", "constant", "detached", "hidden"],
)
@pytest.mark.parametrize("balancer", ["Equal", "UncertaintyWeights", "UPGrad", "PCGrad"])
@pytest.mark.filterwarnings("ignore:the losses of 'own' reach 2 parameters outside of `model`")
def test_a_task_that_cannot_learn_is_named(task: Task, words: str, balancer: str) -> None:
    with pytest.raises(ConfigError, match=f"task 'own' cannot learn: .*{words}"):
        trained(built(task), problem.balancer(balancer))


def test_it_is_found_in_the_20th_step_with_labels_and_can_be_left_out() -> None:
    seen: list[int] = []

    class Steps(Callback):
        def on_step_end(self, trainer: Trainer, record: Any) -> None:
            seen.append(trainer.state.step)

    with pytest.raises(ConfigError, match="`first_steps=0` leaves this check out"):
        trained(built(own(lambda p, y: p**2)), callbacks=[Steps()])
    assert seen == [*range(1, 20)]
    with pytest.raises(ConfigError, match="in each of its first 3 steps"):
        trained(built(own(lambda p, y: p**2)), first_steps=3)
    trained(built(own(lambda p, y: p**2)), first_steps=0)


def test_a_static_weight_that_is_lost_is_named() -> None:
    class Forgets(MultiTaskModel):
        def losses(self, outputs: Any, batch: Any) -> Losses:
            found = super().losses(outputs, batch)
            return Losses(dict(found.raw), raw=found.raw, counts=found.counts)

    task = Regression("own", mean=0.0, scale=1.0, weight=3.0)
    model = Forgets(Hard(nn.Linear(6, 5)), [task], example=torch.zeros(2, 6))
    with pytest.raises(ConfigError, match="'own' cannot learn: its static weight does not"):
        trained(model)


# --- what is no fault ---------------------------------------------------------------------------


class Zero(ScalarHead):
    def __init__(self, shape: Any) -> None:
        super().__init__(shape, 1)
        nn.init.zeros_(self.layers[0].weight)
        nn.init.zeros_(self.layers[0].bias)


def zero_head() -> Task:
    return Task("own", head=Zero, loss=squared)


GOOD: dict[str, Callable[[], MultiTaskModel]] = {
    "own loss": lambda: built(own()),
    "own scalar loss": lambda: built(own(lambda p, y: ((p - y) ** 2).mean())),
    "head of zeros": lambda: built(zero_head()),
    "no trunk": lambda: built(own(), nn.Identity()),
    "separate": lambda: built(own(), sharing=Separate),
    "LoRA": lambda: built(own(), sharing=lambda encoder: Conditioned(encoder, by=LoRA(rank=2))),
    "sets": lambda: built(own(lambda p, y: (p.mean() - y.mean()).expand_as(p) ** 2)),
    "weights": lambda: built(own(weight=0.01)),
}


@pytest.mark.parametrize("name", GOOD)
def test_whoever_learns_is_said_to(name: str) -> None:
    _, said = trained(GOOD[name]())
    (step, first), (_, second) = said
    assert step == 20
    assert first == "first 20 steps: labels and gradients of all 2 tasks reach what learns"
    assert second.startswith("losses")
    assert ("with the static weights (own 0.01)" in second) == (name == "weights")


@pytest.mark.parametrize("balancer", problem.EVERY_BALANCER)
def test_every_method_lets_every_task_learn(balancer: str) -> None:
    with_check, said = trained(built(own()), problem.balancer(balancer), epochs=8)
    without, none = trained(built(own()), problem.balancer(balancer), epochs=8, first_steps=0)
    assert [step for step, _ in said] == [20, 20]
    assert not none
    assert_same_model(with_check.model, without.model)
    assert_same_model(with_check.balancer, without.balancer)


@pytest.mark.parametrize(
    "options",
    [
        {"accumulate": 2, "epochs": 8},
        {"precision": "bf16"},
        {"missing": 0.8, "epochs": 12},
        {"clip": 0.1},
        {"reduction": "label"},
        {"schedule": LossSchedule({"own": (0.3, 0.6)}), "epochs": 9},
    ],
    ids=["accumulated", "bf16", "few labels", "clipped", "by label", "scheduled"],
)
def test_other_ways_to_train(options: dict[str, Any]) -> None:
    with_check, said = trained(built(own()), **options)
    without, _ = trained(built(own()), first_steps=0, **options)
    assert "labels and gradients of all 2 tasks reach what learns" in said[0][1]
    assert_same_model(with_check.model, without.model)


@pytest.mark.parametrize("balancer", ["UPGrad", "CAGrad"])
def test_gradients_at_the_features_reach_the_trunk(balancer: str) -> None:
    _, said = trained(built(own()), problem.balancer(balancer), at="features")
    assert "of all 2 tasks reach what learns" in said[0][1]
    _, said = trained(
        built(Task("own", head=lambda s: HeadOnly(s, 1), loss=squared)),
        problem.balancer("Equal"),
    )
    assert "own: its gradient reaches its head alone, not the trunk" in said[0][1]


def test_what_is_frozen_is_no_fault() -> None:
    trunk = built(own())
    trunk.freeze("sharing.*")
    assert "of all 2 tasks reach what learns" in trained(trunk)[1][0][1]
    task = built(own(), sharing=Separate)
    task.freeze("own")
    assert "of the task reach what learns" in trained(task)[1][0][1]
    head = built(own())
    for parameter in head.heads[safe_key("own")].parameters():
        parameter.requires_grad_(False)
    assert "of all 2 tasks reach what learns" in trained(head)[1][0][1]


def test_a_loss_that_is_satisfied_is_said_and_no_error() -> None:
    """A hinge: its gradient is 0, but other predictions would cost something."""
    task = own(lambda p, y: (y.abs() + p - 50).clamp_min(0) + (-y.abs() - p - 50).clamp_min(0))
    _, said = trained(built(task))
    assert "own: its gradient was 0 in every step" in said[0][1]


def test_a_loss_that_differentiates_its_prediction_is_not_probed() -> None:
    def loss(prediction: Tensor, labels: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(prediction.sum(), prediction, create_graph=True)
        return (prediction * slope - labels) ** 2

    assert "of all 2 tasks" in trained(built(own(loss)))[1][0][1]


@pytest.mark.filterwarnings("ignore:the losses of 'own' reach 2 parameters outside of `model`")
def test_a_loss_with_a_network_of_its_own_is_no_fault() -> None:
    """A perceptual loss, whose network nobody has frozen."""
    judge = nn.Linear(1, 4)
    _, said = trained(built(own(lambda p, y: (judge(p) - judge(y)).square().sum(1, keepdim=True))))
    assert "of all 2 tasks" in said[0][1]


def test_a_loss_with_draws_and_a_state_is_as_it_was() -> None:
    class Running(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(()))

        def forward(self, prediction: Tensor, labels: Tensor) -> Tensor:
            self.mean = 0.9 * self.mean + 0.1 * labels.mean()
            return (prediction - labels + 0.1 * torch.randn(())) ** 2 + self.mean

    with_check, _ = trained(built(own(Running())))
    without, _ = trained(built(own(Running())), first_steps=0)
    assert_same_model(with_check.model, without.model)


# --- what is said -------------------------------------------------------------------------------


def test_losses_far_apart_are_said() -> None:
    _, said = trained(built(own(lambda p, y: 1000 * (p - y) ** 2)))
    assert "own is " in said[1][1]
    assert "times good; a weight or another balancing method may help good" in said[1][1]


def test_tasks_with_few_labels_are_not_awaited_and_are_judged_later() -> None:
    """own has labels in every tenth step: it is judged in step 200, the other in step 20."""
    batches = []
    for number in range(10):
        draw = torch.Generator().manual_seed(number)
        inputs = torch.randn(BATCH, 6, generator=draw)
        targets = {"good": inputs[:, :1]}
        batches.append((inputs, targets | ({"own": inputs[:, 1:2]} if number == 9 else {})))
    said = Said()
    model = built(own(lambda p, y: p**2))
    made = Trainer(model, device="cpu", epochs=30, rule="loss", progress=False, callbacks=[said])
    with pytest.raises(ConfigError, match="'own' cannot learn: its labels do not reach"):
        made.fit(batches)
    assert made.state.step == 200
    ((step, line),) = said.lines
    assert step == 60
    assert line.endswith("of 1 task reach what learns; fewer steps with labels: own (6)")


def test_log_terminal_and_report_have_it_once(tmp_path: Path, capsys: Any) -> None:
    model = built(own())
    Trainer(model, device="cpu", epochs=5, rule="loss", run=tmp_path).fit(
        loader(data(), batch_size=BATCH, shuffle=True)
    )
    line = "first 20 steps: labels and gradients of all 2 tasks reach what learns"
    assert capsys.readouterr().err.count(line) == 1
    (found,) = read_run(tmp_path).first_steps
    assert (found.step, found.lines[0]) == (20, line)
    assert [each.text for each in notices(read_run(tmp_path)) if line in each.text]


@pytest.mark.parametrize("stop", [3, 19, 20, 21, 25])
def test_a_resumed_run_says_and_judges_what_the_whole_one_does(stop: int, tmp_path: Path) -> None:
    def made(run: str, *callbacks: Callback) -> Trainer:
        return Trainer(
            built(own()),
            device="cpu",
            epochs=5,
            rule="loss",
            run=tmp_path / run,
            checkpoint_every=1,
            progress=False,
            callbacks=callbacks,
        )

    def batches() -> Any:
        return loader(data(), batch_size=BATCH, shuffle=True)

    val = loader(data(), batch_size=BATCH, shuffle=False)
    made("whole").fit(batches(), val)
    with pytest.raises(Stopped):
        made("again", StopAt("on_step_end", stop)).fit(batches(), val)
    made("again").fit(batches(), val, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "again")
    assert len(read_run(tmp_path / "again").first_steps) == 1
