"""A batch of one example, and batch normalisation."""

import pytest
import torch
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.core import PerTask
from plait.core.errors import DataError
from plait.data import InMemory, loader
from plait.sharing import Hard, Separate
from plait.tasks import Regression


def encoder() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def model() -> MultiTaskModel:
    return MultiTaskModel(
        Hard(encoder()), [Regression("a", mean=0.0, scale=1.0)], example=torch.zeros(2, 3)
    )


@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_batch_is_named_with_the_way_out(accumulate: int) -> None:
    data = InMemory(torch.randn(9, 3), {"a": torch.randn(9)})
    trainer = Trainer(model(), epochs=1, accumulate=accumulate, device="cpu")
    with pytest.raises(DataError, match=r"batch 3 of epoch 1 has one example, .*`drop_last=True`"):
        trainer.fit(loader(data, batch_size=4, shuffle=False))
    whole = loader(data, batch_size=4, shuffle=False, drop_last=True)
    assert Trainer(model(), epochs=2, device="cpu").fit(whole).step == 4


def test_one_example_of_one_task_is_named() -> None:
    inputs = PerTask(a=torch.randn(4, 3), b=torch.randn(1, 3))
    tasks = [Regression("a"), Regression("b")]
    both = MultiTaskModel(Separate(encoder), tasks, example=torch.zeros(2, 3))
    batch = (inputs, {"a": torch.randn(4), "b": torch.randn(1)})
    with pytest.raises(DataError, match="batch 2 of epoch 1 has one example of task 'b'"):
        train = [(torch.randn(4, 3), {"a": torch.randn(4), "b": torch.randn(4)}), batch]
        Trainer(both, epochs=1, device="cpu").fit(train)


def test_other_errors_stay_as_they_are() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                raise ValueError("my own")
            return x

    broken = MultiTaskModel(
        Hard(Broken()), [Regression("a", mean=0.0, scale=1.0)], example=torch.zeros(2, 3)
    )
    with pytest.raises(ValueError, match=r"^my own$"):
        Trainer(broken, epochs=1, device="cpu").fit([(torch.zeros(1, 3), {"a": torch.zeros(1)})])
