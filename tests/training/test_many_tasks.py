"""Many tasks: what a step does by task, by count and not by time; labels that are one tensor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import plait
from plait.balancing import Balancer, Equal, UPGrad
from plait.core import label_table
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression
from plait.training import Callback, Trainer
from plait.training.step import StepRecord


class Name(str):
    """A name that counts how often it is compared with another one."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def counted(tasks: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Comparisons of names and visits of parameters in five steps of a training."""
    names = [Name(f"t{number}") for number in range(tasks)]
    model = MultiTaskModel(
        Hard(nn.Linear(3, 2)),
        [Regression(name, mean=0.0, scale=1.0) for name in names],
        example=torch.zeros(2, 3),
    )
    data = InMemory(torch.ones(10, 3), {name: torch.ones(10, 1) for name in names})
    visits = 0
    plain = nn.Module.named_parameters

    def visiting(module: nn.Module, *args: Any, **options: Any) -> Iterator[Any]:
        nonlocal visits
        for each in plain(module, *args, **options):
            visits += 1
            yield each

    given: dict[str, Any] = {"device": "cpu", "progress": False, "rule": "loss"}
    trainer = Trainer(model, Equal(), epochs=1, lr=0.01, **given)
    Name.compared = 0
    with monkeypatch.context() as patch:
        patch.setattr(nn.Module, "named_parameters", visiting)
        trainer.fit(loader(data, batch_size=2, shuffle=False))
    return {"names": Name.compared, "parameters": visits}


def test_work_by_task_is_linear_in_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (counted(tasks, monkeypatch) for tasks in (20, 40))
    for what, number in few.items():
        assert number <= many[what] <= 2 * number + 20, (what, few, many)


@pytest.mark.parametrize("order", [1, -1])
def test_the_log_looks_names_up_as_often(order: int, tmp_path: Path) -> None:
    """Whatever the order of the losses."""
    compared = []
    for tasks in (20, 40):
        names = [Name(f"t{number}") for number in range(tasks)]
        weight = torch.nn.Parameter(torch.ones(2))
        with plait.Log(tmp_path / f"{tasks}", torch.optim.SGD([weight], lr=0.1), every=1) as log:
            for step in (1, order):
                losses = {name: weight.sum() for name in names[::step]}
                record = plait.backward(losses, Equal())
                Name.compared = 0
                log.step(record)
        compared.append(Name.compared)
    assert compared[1] <= 2 * compared[0] + 20


# --- labels as one tensor ---------------------------------------------------------------------


def kinds() -> list[BaseTask]:
    """Eight tasks of each kind whose labels can be one tensor."""
    tasks: list[BaseTask] = []
    for n in range(8):
        tasks += [
            Regression(f"size{n}", scale=2.0 if n % 2 else "auto"),
            Regression(f"three{n}", outputs=3, error="huber"),
            Binary(f"yes{n}", class_weights=[0.5, 1.0 + n] if n % 3 else None),
            Classification(f"kind{n}", classes=3),
            MultiLabel(f"both{n}", labels=2),
        ]
    return tasks


def drawn(tasks: list[BaseTask], missing: bool, seed: int) -> InMemory:
    generator = torch.Generator().manual_seed(seed)
    targets = {}
    for task in tasks:
        width = {"three": (3,), "both_": (2,)}.get(f"{task.name[:-1]:_<5}", ())
        known = torch.randint(2, (20, *width), generator=generator)
        if isinstance(task, Regression):
            targets[task.name] = torch.randn(20, *width, generator=generator)
        else:
            targets[task.name] = known if isinstance(task, Classification) else known.float()
        if missing:
            gone = torch.rand(20, generator=generator) < 0.4
            targets[task.name][gone] = -100 if isinstance(task, Classification) else torch.nan
    return InMemory(torch.randn(20, 4, generator=generator), targets)


def trained(balancer: Balancer, missing: bool) -> tuple[MultiTaskModel, Any, list[Any]]:
    """Trains an epoch, and evaluates; returns the model, its end, and what each step said."""
    torch.manual_seed(0)
    tasks = kinds()
    model = MultiTaskModel(
        Hard(nn.Sequential(nn.Linear(4, 5), nn.Tanh())), tasks, example=torch.zeros(2, 4)
    )
    said: list[Any] = []

    class Note(Callback):
        def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
            said.append((record.losses, dict(record.counts), record.gradient_norm))

        def on_validation_end(self, trainer: Trainer, evaluation: Any, score: float) -> None:
            said.append((evaluation.metrics, score))

    trainer = Trainer(
        model, balancer, epochs=1, lr=0.01, device="cpu", progress=False, callbacks=[Note()]
    )
    loaders = [
        loader(drawn(tasks, missing, seed), batch_size=6, shuffle=True, tasks=tasks)
        for seed in (1, 2)
    ]
    trainer.fit(*loaders)
    return model, trainer.labels.statistics, said


@pytest.mark.parametrize(("method", "missing"), [(Equal, False), (Equal, True), (UPGrad, True)])
def test_labels_as_one_tensor_train_to_the_same_last_bit(
    method: type[Balancer], missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, statistics, said = trained(method(), missing)
    monkeypatch.setattr(label_table, "FEWEST", 1000)  # each task's labels are a tensor of their own
    plain, wanted, told = trained(method(), missing)
    torch.testing.assert_close(said, told, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(statistics, wanted, rtol=0, atol=0, equal_nan=True)
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
