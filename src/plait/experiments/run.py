"""One run: a configuration becomes a run folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from plait.core.errors import ConfigError
from plait.core.files import write_text
from plait.evaluation import Evaluation, evaluate
from plait.experiments.build import Job, Problem, build_job
from plait.experiments.config import RunConfig, read_run
from plait.experiments.environment import environment
from plait.experiments.gallery import write_gallery
from plait.model import MultiTaskModel
from plait.runs.folder import (
    CONFIG,
    ENVIRONMENT,
    GALLERY,
    MODEL,
    SEARCHED,
    TRANSFER,
    check_free,
)
from plait.training import Callback, Trainer
from plait.training.records import test_event


@dataclass(frozen=True)
class Result:
    """The outcome of a run.

    Attributes:
        folder: the run folder.
        test: losses and metrics on the test split, of the best epoch.
        seconds: of training and validation.
        parameters: number of the model's parameters.
        best_epoch: the epoch, from 1, whose weights were kept.
        started: what was taken over from other runs; empty if nothing.
    """

    folder: Path
    test: Evaluation
    seconds: float
    parameters: int
    best_epoch: int
    started: str = ""


def run(
    config: RunConfig,
    folder: Path,
    *,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    problem: Problem | None = None,
) -> Result:
    """Trains, tests once, and writes the run folder.

    The folder gets config.yaml, env.json, events.jsonl, checkpoints/, model/ and gallery/; also
    transfer.json, if it starts from other runs, and found.yaml, if it searches.

    Args:
        config: the settings.
        folder: the run folder; must not hold a run, unless `resume`.
        callbacks: are told of the training.
        resume: go on from the folder's last checkpoint.
        problem: what `open_problem` gave, so that several runs read the data once; opened here by
            default.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
        ConfigError: the folder cannot be made.
    """
    if not resume:
        check_free(folder)
    job = build_job(config, folder, callbacks, resume=resume, problem=problem)
    if not resume:
        _make(folder)
        write_text(folder / CONFIG, yaml.safe_dump(config.described(), sort_keys=False))
        write_text(folder / ENVIRONMENT, json.dumps(environment(config.seed), indent=2) + "\n")
        if job.transfer is not None:
            described = json.dumps(asdict(job.transfer), indent=2)
            write_text(folder / TRANSFER, described + "\n")
    state = job.trainer.fit(job.loaders["train"], job.loaders["val"], resume=resume)
    test = _test(job)
    model = job.trainer.model
    model.save_pretrained(folder / MODEL, metrics=test.metrics)
    write_gallery(
        folder / GALLERY,
        model,
        job.problem.recipe,
        job.loaders["test"].dataset,
        count=config.gallery,
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _write_found(config, model, folder)
    started = "" if job.transfer is None else str(job.transfer)
    return Result(folder, test, state.seconds, parameters, state.best_epoch, started)


def _write_found(config: RunConfig, model: MultiTaskModel, folder: Path) -> None:
    """Writes the settings that retrain what a search has found, for ``--config``."""
    found = model.sharing.searched()
    if found:
        sharing = {**config.described()["sharing"], **found}
        text = yaml.safe_dump({**config.described(), "sharing": sharing}, sort_keys=False)
        write_text(folder / SEARCHED, text)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the run folder {folder} cannot be made: {error.strerror}. Name another with --out."
        ) from None


def resume_run(folder: Path, *, callbacks: Sequence[Callback] = ()) -> Result:
    """Goes on with the run in a folder, with its own configuration.

    Raises:
        ConfigError: the folder holds no run.
    """
    return run(read_run(folder), folder, callbacks=callbacks, resume=True)


def _test(job: Job) -> Evaluation:
    """Evaluates on the test split, once, and logs it."""
    trainer: Trainer = job.trainer
    test = evaluate(
        trainer.model,
        job.loaders["test"],
        device=trainer.device,
        statistics=trainer.labels.statistics,
    )
    trainer.log.write(test_event(test))
    trainer.log.flush()
    return test
