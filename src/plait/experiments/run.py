"""One run: a configuration becomes a run folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from plait.core.errors import ConfigError, RunExistsError
from plait.core.files import write_text
from plait.evaluation import Evaluation, evaluate
from plait.experiments.build import Job, build_job
from plait.experiments.config import RunConfig, validate
from plait.experiments.environment import environment
from plait.experiments.gallery import write_gallery
from plait.experiments.overrides import read_yaml
from plait.model import MultiTaskModel
from plait.training import Callback, Trainer
from plait.training.records import evaluation_event


@dataclass(frozen=True)
class Result:
    """What a run reached.

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
) -> Result:
    """Trains, tests once, and writes the run folder.

    The folder gets config.yaml, env.json, events.jsonl, checkpoints/, model/ and gallery/; also
    transfer.json, if it starts from other runs, and found.yaml, if it searches.

    Args:
        config: the settings.
        folder: the run folder; must not hold a run, unless `resume`.
        callbacks: are told of the training.
        resume: go on from the folder's last checkpoint.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
        ConfigError: the folder cannot be made.
    """
    if not resume and is_run(folder):
        raise RunExistsError(
            f"{folder} already holds a run; nothing in it was touched. Name another folder with "
            f"--out, or go on with it: --resume {folder}"
        )
    job = build_job(config, folder, callbacks, resume=resume)
    if not resume:
        _make(folder)
        write_text(folder / "config.yaml", yaml.safe_dump(config.described(), sort_keys=False))
        write_text(folder / "env.json", json.dumps(environment(config.seed), indent=2) + "\n")
        if job.transfer is not None:
            described = json.dumps(asdict(job.transfer), indent=2)
            write_text(folder / "transfer.json", described + "\n")
    state = job.trainer.fit(job.loaders["train"], job.loaders["val"], resume=resume)
    test = _test(job)
    model = job.trainer.model
    model.save_pretrained(folder / "model", metrics=test.metrics)
    write_gallery(
        folder / "gallery",
        model,
        job.recipe,
        job.loaders["test"].dataset,
        count=config.gallery,
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _write_found(config, model, folder)
    started = "" if job.transfer is None else str(job.transfer)
    return Result(folder, test, state.seconds, parameters, state.best_epoch, started)


def _write_found(config: RunConfig, model: MultiTaskModel, folder: Path) -> None:
    """Writes the settings that retrain what a search has found, for ``--config``."""
    found = model.sharing.found()
    if found:
        sharing = {**config.described()["sharing"], **found}
        text = yaml.safe_dump({**config.described(), "sharing": sharing}, sort_keys=False)
        write_text(folder / "found.yaml", text)


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
    if not (folder / "config.yaml").is_file():
        raise ConfigError(f"{folder} holds no run to resume (no config.yaml). Name a run folder.")
    config = validate(read_yaml(folder / "config.yaml"))
    return run(config, folder, callbacks=callbacks, resume=True)


def is_run(folder: Path) -> bool:
    """Returns whether a folder holds a run, or a comparison of runs."""
    marks = ("config.yaml", "events.jsonl", "comparison.json", "families.json")
    return any((folder / name).exists() for name in marks)


def _test(job: Job) -> Evaluation:
    """Evaluates on the test split, once, and logs it."""
    trainer: Trainer = job.trainer
    test = evaluate(
        trainer.model, job.loaders["test"], device=trainer.device, statistics=trainer.statistics
    )
    trainer.log.write("test", **evaluation_event(test))
    trainer.log.flush()
    return test


def free_folder(name: str, parent: Path = Path("runs")) -> Path:
    """Returns `parent/name`, or the first of `name-2`, `name-3`, ... that does not exist."""
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name}-{count}"
    return folder
