"""A loader of streams: by the Trainer, with a worker, and from any place."""

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError
from plait.data import Resumable, StreamLoader, loader
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Callback
from plait.training.feed import Feed, batches_in
from tests.data.streams.blocks import Counting, Numbered

TASKS = [Regression("y", mean=0.0, scale=1.0)]


def made(stream: Any, **options: Any) -> Any:
    return loader(stream, **{"batch_size": 4, "shuffle": True, "buffer": 10, **options})


def labels(batches: Any) -> list[list[int]]:
    return [batch[1]["y"].reshape(-1).tolist() for batch in batches]


def test_it_is_a_loader_of_torch_that_begins_anywhere() -> None:
    found = made(Numbered(5, 5, 5))
    assert isinstance(found, StreamLoader)
    assert isinstance(found, Resumable)
    assert len(found) == batches_in(found) == 4
    found.start_at(1, 0)
    whole = labels(found)
    found.start_at(1, 3)
    assert labels(found) == whole[3:]


def test_the_last_batch_can_be_left_out() -> None:
    found = made(Numbered(5, 5), drop_last=True)
    assert len(found) == len(labels(found)) == 2


def test_labels_of_tasks_are_counted() -> None:
    batches = list(made(Numbered(5, 5), tasks=TASKS))
    assert all(isinstance(batch, Batch) for batch in batches)
    assert sum(batch.counts["y"] for batch in batches) == 10


def test_a_worker_reads_the_same_batches() -> None:
    alone, worker = (made(Numbered(5, 5, 5), workers=workers) for workers in (0, 1))
    for each in (alone, worker):
        each.start_at(2, 1)
    assert labels(worker) == labels(alone)


@pytest.mark.parametrize(
    "option", [{"workers": 2}, {"batch_size": 0}, {"buffer": 0}], ids=lambda option: str(option)
)
def test_an_option_out_of_range_is_refused(option: dict[str, int]) -> None:
    (name,) = option
    with pytest.raises(ConfigError, match=f"`{name}` must be"):
        made(Numbered(5), **option)


@pytest.mark.parametrize("stream", [Numbered(5, 5, 3), Counting(13)], ids=["own", "stranger's"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_feed_begins_at_any_batch_of_any_epoch(stream: Any, workers: int) -> None:
    feed = Feed(made(stream, workers=workers), seed=0)
    for epoch in (1, 0):
        whole = labels(feed.epoch(epoch))
        assert sorted(chain(*whole)) == list(range(13))
        for skip in range(4):
            assert labels(feed.epoch(epoch, skip=skip)) == whole[skip:]


def test_a_stream_that_has_become_shorter_is_refused() -> None:
    with pytest.raises(DataError, match="gives 2 batches, but the checkpoint was made after 3"):
        next(Feed(made(Numbered(5)), seed=0).epoch(0, skip=3))


# --- training -------------------------------------------------------------------------------


class Stopped(Exception):
    """Ends a training in the middle of an epoch."""


class StopsAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == self.step:
            trainer.save()
            raise Stopped


def trained(stream: Any, folder: Path, *, stop: int = 0, resume: bool = False) -> dict[str, Any]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.2))
    model = MultiTaskModel(Hard(net), TASKS, example=torch.zeros(2, 2))
    callbacks = [StopsAt(stop)] if stop else []
    trainer = Trainer(
        model, epochs=3, device="cpu", run=folder, callbacks=callbacks, progress=False
    )
    train = made(stream, tasks=TASKS, seed=1)
    trainer.fit(train, made(stream, tasks=TASKS, shuffle=False), resume=resume)
    assert trainer.state.step == 12
    return dict(model.state_dict())


@pytest.mark.parametrize("stream", [Numbered(5, 5, 3), Counting(13)], ids=["own", "stranger's"])
@pytest.mark.parametrize("stop", [2, 7])
def test_a_run_that_is_resumed_is_the_uninterrupted_one(
    stream: Any, stop: int, tmp_path: Path
) -> None:
    whole = trained(stream, tmp_path / "whole")
    with pytest.raises(Stopped):
        trained(stream, tmp_path / "parts", stop=stop)
    found = trained(stream, tmp_path / "parts", resume=True)
    assert all(torch.equal(found[name], whole[name]) for name in whole)
