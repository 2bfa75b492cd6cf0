"""All objects of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch.utils.data import DataLoader

from plait.balancing import LossSchedule
from plait.core.families import FAMILIES
from plait.core.options import chosen
from plait.data import StreamLoader, loader
from plait.engine import Options
from plait.experiments.build.methods import method
from plait.experiments.build.model import build_model, start_from_runs
from plait.experiments.build.optimizer import optimizer_arguments, scheduler_maker
from plait.experiments.build.problem import Problem, open_problem
from plait.experiments.build.teller import teller
from plait.experiments.config import RunConfig
from plait.experiments.linear_start import LinearStart
from plait.model import Transfer
from plait.training import Callback, Trainer, steps_per_epoch
from plait.training.options import GroupOptions, TrainerOptions


@dataclass(frozen=True)
class Job:
    """The objects of one run.

    Attributes:
        problem: the data, tasks and encoder.
        loaders: `{split: loader}` of "train", "val" and "test".
        trainer: the trainer, with the model.
        transfer: what the model has taken over from other runs; None if it starts from none.
    """

    problem: Problem
    loaders: dict[str, DataLoader[Any]]
    trainer: Trainer
    transfer: Transfer | None = None


def build_job(
    config: RunConfig,
    folder: Path,
    callbacks: Sequence[Callback] = (),
    *,
    resume: bool = False,
    problem: Problem | None = None,
) -> Job:
    """Builds all objects of a run; nothing is written.

    Args:
        config: the settings.
        folder: the run folder.
        callbacks: are told of the training.
        resume: the weights will come from a checkpoint, so other runs are not read.
        problem: what other runs of the same problem have opened; opened here by default.

    Raises:
        ConfigError: an unknown method, task or option.
        DataError: data that are missing or break their rules.
    """
    if problem is None:
        problem = open_problem(config)
    problem.check(config)
    tasks = problem.tasks(config.tasks)
    balancer = method(config.balancing, FAMILIES["balancing"])
    splits = problem.splits(tasks)
    batch_size = batch_size_of(config, cast(Sized, splits["train"]))
    loaders = {
        split: loader(
            data,
            batch_size=batch_size,
            shuffle=split == "train",
            seed=config.seed,
            workers=config.workers,
            tasks=tasks,
        )
        for split, data in splits.items()
    }
    example = next(iter(loaders["val"])).parts[0].inputs
    model = build_model(config, problem, tasks, example)
    transfer = None if resume else start_from_runs(model, config, problem)
    if config.freeze:
        model.freeze(*config.freeze)
    steps = config.epochs * steps_per_epoch(len(loaders["train"]), config.accumulate, balancer)
    rate = config.optimizer.options.get("lr", GroupOptions.lr)
    if config.start == "linear" and not config.start_from:
        callbacks = [*_linear_start(loaders["train"], config.seed, callbacks), *callbacks]
    trainer = Trainer(
        model,
        balancer,
        **optimizer_arguments(config.optimizer),
        scheduler=scheduler_maker(config.scheduler, steps, rate),
        schedule=LossSchedule(config.schedule) if config.schedule else None,
        run=folder,
        callbacks=callbacks,
        progress=False,  # whoever runs it says what is shown, by callbacks
        **chosen(TrainerOptions, config),
        **chosen(Options, config),
    )
    trainer.keeper.about["config"] = config.described()
    return Job(problem, loaders, trainer, transfer)


def _linear_start(
    train: DataLoader[Any], seed: int, callbacks: Sequence[Callback]
) -> list[LinearStart]:
    """Returns the callback that starts heads at linear models; of a stream, those of its sample."""
    data, streamed = train.dataset, isinstance(train, StreamLoader)
    if isinstance(train, StreamLoader):
        data = train.stream.sample
    if data is None:
        return []
    return [LinearStart(data, seed, say=teller(callbacks), counts=not streamed)]


def batch_size_of(config: RunConfig, train: Sized) -> int:
    """Returns the examples in a batch; what "auto" is follows from the number of all.

    Example:
        >>> auto = RunConfig(recipe="any", batch_size="auto")
        >>> [batch_size_of(auto, range(count)) for count in (7, 2_100, 4_000, 10**6)]
        [32, 64, 128, 256]
    """
    if config.batch_size != "auto":
        return config.batch_size
    share = min(max(len(train) / 32, 32), 256)
    return 1 << round(math.log2(share))
