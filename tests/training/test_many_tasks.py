"""What a step does by task grows with the tasks, not with their square: by count, not by time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from plait.balancing import Equal
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Trainer


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

    trainer = Trainer(model, Equal(), epochs=1, lr=0.01, device="cpu", progress=False, rule="loss")
    Name.compared = 0
    with monkeypatch.context() as patch:
        patch.setattr(nn.Module, "named_parameters", visiting)
        trainer.fit(loader(data, batch_size=2, shuffle=False))
    return {"names": Name.compared, "parameters": visits}


def test_work_by_task_is_linear_in_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (counted(tasks, monkeypatch) for tasks in (20, 40))
    for what, number in few.items():
        assert number <= many[what] <= 2 * number + 20, (what, few, many)
