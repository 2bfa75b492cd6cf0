"""Units that the Trainer reads before the first step, which changes nothing else."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, WeightedRandomSampler

from plait import MultiTaskModel, Trainer
from plait.core.errors import DataError, PlaitWarning
from plait.core.structure import PerTask
from plait.data import Disjoint, InMemory, collate, loader
from plait.sharing import Hard, Separate
from plait.tasks import BaseTask, Classification, Regression
from plait.training.units import STREAM
from tests.training.problem import differences

SIZE = 26
DRAW = torch.Generator().manual_seed(0)
X = torch.randn(SIZE, 3, generator=DRAW)
HOURS = 40 + 12 * X[:, :1] + torch.randn(SIZE, 1, generator=DRAW)
HOURS[::4] = math.nan
LABELS = {"kind": (X[:, 1] > 0).long(), "hours": HOURS}
BATCHES = [
    (X[i : i + 4], {name: each[i : i + 4] for name, each in LABELS.items()})
    for i in range(0, SIZE, 4)
]


class Noisy(Dataset[Any]):
    """Draws from every generator of the host for each example, labels included."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(5)

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> Any:
        noise = random.random() + np.random.rand() + torch.rand(())
        noise = noise + torch.rand((), generator=self.generator)
        return X[index] + noise, {name: each[index] for name, each in LABELS.items()}


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        for index in range(SIZE):
            noise = torch.rand(())
            yield X[index] + noise, {name: each[index] for name, each in LABELS.items()}


def noisy(batch_size: int = 4, **options: Any) -> DataLoader[Any]:
    return DataLoader(Noisy(), batch_size=batch_size, collate_fn=collate, **options)


def net(hours: Regression, *, dropout: float = 0.3) -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(3, 8), nn.Dropout(dropout), nn.ReLU())
    tasks: list[BaseTask] = [Classification("kind", classes=2), hours]
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 3))


def unit(task: BaseTask) -> tuple[float, float]:
    assert isinstance(task, Regression) and task.unit is not None
    return task.unit.mean.item(), task.unit.scale.item()


def weights(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters())


LOADERS = {
    "list": lambda: BATCHES,
    "plait, shuffled": lambda: loader(InMemory(X, LABELS), batch_size=4, shuffle=True),
    "plait, without whole batches": lambda: loader(
        InMemory(X, LABELS), batch_size=4, shuffle=True, drop_last=True
    ),
    "noise": noisy,
    "noise, shuffled": lambda: noisy(shuffle=True),
    "noise, generator": lambda: noisy(shuffle=True, generator=torch.Generator().manual_seed(3)),
    "sampler": lambda: noisy(sampler=WeightedRandomSampler([*range(1, SIZE + 1)], 20)),
    "workers": lambda: noisy(shuffle=True, num_workers=1),
    "workers that live": lambda: noisy(shuffle=True, num_workers=1, persistent_workers=True),
    "stream": lambda: DataLoader(Stream(), batch_size=4, collate_fn=collate),
    "iterator": lambda: iter(DataLoader(Stream(), batch_size=1, collate_fn=collate)),
}


@pytest.mark.parametrize("name", LOADERS)
def test_training_is_that_with_the_same_numbers_given(name: str) -> None:
    epochs = 1 if name == "iterator" else 2
    auto = net(Regression("hours"))
    Trainer(auto, epochs=epochs, device="cpu", seed=3).fit(LOADERS[name]())
    mean, scale = unit(auto.tasks["hours"])
    assert 35 < mean < 45 and 5 < scale < 16
    given = net(Regression("hours", mean=mean, scale=scale))
    Trainer(given, epochs=epochs, device="cpu", seed=3).fit(LOADERS[name]())
    found, expected = weights(auto), weights(given)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_they_are_numpys_over_the_training_labels_alone() -> None:
    model = net(Regression("hours"))
    val = [(X, {**LABELS, "hours": HOURS + 100})]
    Trainer(model, epochs=1, device="cpu").fit(BATCHES, val)
    mean, scale = unit(model.tasks["hours"])
    assert mean == pytest.approx(np.nanmean(HOURS.numpy()), rel=1e-6)
    assert scale == pytest.approx(np.nanstd(HOURS.numpy()), rel=1e-6)


def test_weights_say_which_labels_count_and_how_much() -> None:
    mass = torch.rand(SIZE, generator=DRAW) * (torch.arange(SIZE) % 3 > 0)
    model = net(Regression("hours"))
    Trainer(model, epochs=1, device="cpu").fit([(X, LABELS, {"hours": mass})])
    w = (mass[:, None] * ~HOURS.isnan()).double()
    y = HOURS.nan_to_num().double()
    mean = (w * y).sum() / w.sum()
    scale = ((w * (y - mean) ** 2).sum() / w.sum()).sqrt()
    assert unit(model.tasks["hours"]) == pytest.approx((mean.item(), scale.item()), rel=1e-6)


def test_tables_of_their_own_are_read_too() -> None:
    labels = {"a": 5 + 3 * torch.randn(9), "b": 70 + 20 * torch.randn(5)}
    data = Disjoint({task: torch.randn(len(y), 3) for task, y in labels.items()}, labels)
    example = PerTask({task: torch.zeros(2, 3) for task in labels})
    tasks = [Regression("a"), Regression("b")]
    model = MultiTaskModel(Separate(nn.Linear(3, 4)), tasks, example=example)
    Trainer(model, epochs=1, device="cpu").fit(loader(data, batch_size=4, shuffle=True))
    for task in tasks:
        y = labels[task.name].double()
        expected = y.mean().item(), y.std(correction=0).item()
        assert unit(task) == pytest.approx(expected, rel=1e-6)


class Counted(list[Any]):
    reads = 0

    def __iter__(self) -> Iterator[Any]:
        Counted.reads += 1
        return super().__iter__()


@pytest.mark.parametrize("hours", ["given", "fitted", "loaded", "frozen", "trained"])
def test_nothing_is_read_where_nothing_is_to_be(hours: str) -> None:
    task = Regression("hours", mean=40.0, scale=12.0) if hours == "given" else Regression("hours")
    model = net(task)
    before = (40.0, 12.0)
    if hours == "fitted":
        task.fit_labels(HOURS + 10)
    if hours == "loaded":
        other = net(Regression("hours"))
        other.tasks["hours"].fit_labels(HOURS + 10)  # type: ignore[attr-defined]
        model.load_state_dict(other.state_dict())
    if hours == "frozen":
        model.freeze("sharing.*", "heads.task:hours.*")
    if hours == "trained":
        Trainer(model, epochs=1, device="cpu").fit([(X, {**LABELS, "hours": HOURS + 10})])
    if hours != "given":
        before = unit(task)
    Counted.reads = 0
    Trainer(model, epochs=2, device="cpu").fit(Counted(BATCHES))
    assert Counted.reads == 2
    if hours != "given":
        assert unit(task) == before


def test_a_resumed_run_has_them_from_its_checkpoint(tmp_path: Path) -> None:
    def fit(folder: Path, epochs: int, train: Any, resume: bool = False) -> MultiTaskModel:
        model = net(Regression("hours"))
        made = Trainer(model, epochs=epochs, device="cpu", run=folder)
        made.fit(train, BATCHES, resume=resume)
        return model

    whole = fit(tmp_path / "whole", 1, BATCHES)
    again = net(Regression("hours"))
    made = Trainer(again, epochs=1, device="cpu", run=tmp_path / "whole")
    Counted.reads = 0
    made.fit(Counted(BATCHES), BATCHES, resume=True)
    assert Counted.reads == 0 and unit(again.tasks["hours"]) == unit(whole.tasks["hours"])
    assert not [*differences(whole.state_dict(), again.state_dict())]


def test_a_stream_is_read_at_its_beginning_once_and_the_log_says_so(tmp_path: Path) -> None:
    given: list[int] = []

    class Long:
        def __iter__(self) -> Iterator[Any]:
            for number in range(STREAM + 9):
                given.append(number)
                level = 0.0 if number < STREAM else 1e6
                yield X[:4], {"kind": LABELS["kind"][:4], "hours": HOURS[:4] + level}

    model = net(Regression("hours"))
    Trainer(model, epochs=1, device="cpu", run=tmp_path / "run").fit(Long())
    assert given == list(range(STREAM + 9))
    assert unit(model.tasks["hours"])[0] == pytest.approx(np.nanmean(HOURS[:4].numpy()), rel=1e-6)
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    texts = [event["text"] for event in map(json.loads, lines) if event["event"] == "warning"]
    assert texts == [f"`mean` and `scale` of hours come from the first {STREAM} batches."]


def test_a_stream_whose_beginning_has_no_label_is_said() -> None:
    class Late:
        def __iter__(self) -> Iterator[Any]:
            for number in range(STREAM + 2):
                hours = HOURS[:4] if number >= STREAM else torch.full((4, 1), math.nan)
                yield X[:4], {"kind": LABELS["kind"][:4], "hours": hours}

    model = net(Regression("hours"))
    with pytest.warns(PlaitWarning) as said:
        Trainer(model, epochs=1, device="cpu").fit(Late())
    assert f"the first {STREAM} batches of the stream have no label of task hours" in str(
        said[0].message
    )
    assert unit(model.tasks["hours"]) == (0.0, 1.0)


def test_a_task_without_any_label_is_refused_before_the_first_step() -> None:
    labels = {**LABELS, "hours": torch.full_like(HOURS, math.nan)}
    with pytest.raises(DataError, match="task 'hours' cannot be read from its labels: none is"):
        Trainer(net(Regression("hours")), epochs=1, device="cpu").fit([(X, labels)])


def test_equal_labels_are_said_and_logged(tmp_path: Path) -> None:
    labels = {**LABELS, "hours": torch.full_like(HOURS, 40.0)}
    model = net(Regression("hours"))
    with pytest.warns(PlaitWarning, match="labels of task 'hours' are all equal"):
        Trainer(model, epochs=1, device="cpu", run=tmp_path / "run").fit([(X, labels)])
    assert unit(model.tasks["hours"]) == (40.0, 1.0)
    assert "are all equal" in (tmp_path / "run" / "events.jsonl").read_text()


def test_a_head_that_does_not_use_the_unit_gets_none() -> None:
    class Plain(Regression):
        def build_head(self, shape: Any) -> nn.Module:
            return nn.Sequential(nn.Identity(), Reads(shape.levels[-1][0]))

    class Reads(nn.Linear):
        def __init__(self, width: int) -> None:
            super().__init__(width, 1)

        def forward(self, features: Any) -> Tensor:
            return super().forward(features.levels[-1])

    model = net(Plain("hours"))
    with pytest.warns(PlaitWarning, match="the first loss of task 'hours'"):
        Trainer(model, epochs=1, device="cpu").fit(BATCHES)
    assert unit(model.tasks["hours"]) == (0.0, 1.0)
