"""All objects of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.balancing import LossSchedule
from plait.core.families import FAMILIES
from plait.core.options import chosen
from plait.data import Mixture, StreamLoader
from plait.encoders import Stems
from plait.engine import Options
from plait.experiments.build.fingerprint import weights_fingerprint
from plait.experiments.build.loaders import build_loaders, example_of
from plait.experiments.build.methods import method
from plait.experiments.build.model import build_encoder, build_model, start_from_runs
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
    loaders: dict[str, Any]
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
    encoder = build_encoder(config, problem)
    loaders = build_loaders(config, problem.splits(tasks), tasks, stems=isinstance(encoder, Stems))
    example = example_of(loaders["val"], encoder)
    model = build_model(config, encoder, tasks, example)
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
    trainer.keeper.about["fingerprint"] = {**problem.fingerprint, **weights_fingerprint(config)}
    return Job(problem, loaders, trainer, transfer)


def _linear_start(train: Any, seed: int, callbacks: Sequence[Callback]) -> list[LinearStart]:
    """Returns the callback that starts heads at linear models; of a stream, those of its sample.

    None for several data sets, which have no one table of inputs.
    """
    if isinstance(train, Mixture):
        return []
    data, streamed = train.dataset, isinstance(train, StreamLoader)
    if isinstance(train, StreamLoader):
        data = train.stream.sample
    if data is None:
        return []
    return [LinearStart(data, seed, say=teller(callbacks), counts=not streamed)]
