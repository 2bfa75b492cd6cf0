"""One run: a configuration becomes a run folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from plait.core.errors import ConfigError
from plait.core.files import write_json, write_text
from plait.data import EachOnce, StreamLoader
from plait.distributed import ranks
from plait.evaluation import Evaluation, Resampler, evaluate, units_of
from plait.experiments.agreed_columns import check_columns, write_columns
from plait.experiments.build import Job, Problem, build_job, open_problem
from plait.experiments.build.teller import teller
from plait.experiments.config import RunConfig, read_run
from plait.experiments.gallery import write_gallery
from plait.recipes import Recipe, Table
from plait.runs.events import Warned
from plait.runs.folder import (
    CONFIG,
    MODEL,
    SEARCHED,
    TRANSFER,
    check_free,
    make_folder,
)
from plait.runs.resamples import write_resamples
from plait.runs.result import RunResult, write_result
from plait.runs.step_seconds import step_seconds
from plait.training import Callback, Trainer
from plait.training.coverage import LabelCoverage, log_coverage
from plait.training.parallel import whole_at_first
from plait.training.peak_memory import PeakMemory
from plait.training.records import test_event


def run(
    config: RunConfig,
    folder: Path,
    *,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    problem: Problem | None = None,
    test: bool = True,
    resamples: int = 0,
) -> RunResult:
    """Trains, tests once, and writes the run folder.

    The folder gets config.yaml and gallery/ beside what the Trainer writes (trainer.json, env.json,
    events.jsonl, checkpoints/ and model/); also columns.json, if it is about a table,
    transfer.json, if it starts from other runs, and found.yaml, if it searches. Last of all comes
    result.json, which says that the run is finished.

    Args:
        config: the settings.
        folder: the run folder; must not hold a run, unless `resume`.
        callbacks: are told of the training.
        resume: go on from the folder's last checkpoint.
        problem: what `open_problem` gave, so that several runs read the data once; opened here by
            default.
        test: whether the test split is read; a search that chooses among runs leaves it alone. Its
            folder then has no test metrics and no gallery/, which shows test examples.
        resamples: on so many resamples of the test split the metrics are computed as well, and
            written to resamples.json; none by default. Those of networks that are tested on the
            same rows can be compared draw by draw.

    Several processes train together: rank 0 tests and writes, and all of them return the result.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
        ConfigError: the folder cannot be made.
    """
    here = ranks()
    if not resume:
        here.at_first(lambda: check_free(folder))
    problem = open_problem(config) if problem is None else problem
    callbacks = callbacks if resume else [_Noted(problem.recipe, callbacks), *callbacks]
    job = build_job(config, folder, callbacks, resume=resume, problem=problem)
    encoder = job.trainer.model.sharing.prototype()
    if resume:
        check_columns(encoder, folder)
    else:
        here.at_first(lambda: _begin(config, job, folder))
    with PeakMemory(job.trainer.device) as peak:
        job.trainer.fit(job.loaders["train"], job.loaders["val"], resume=resume)
    job.trainer.model = whole_at_first(job.trainer.model)
    return here.at_first(
        lambda: _finish(config, job, folder, test=test, resamples=resamples, memory=peak.bytes)
    )


def resume_run(
    folder: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
) -> RunResult:
    """Goes on with the run in a folder, with its own configuration.

    Args:
        folder: the run folder.
        changes: settings in place of those in its config.yaml, which gets them; see `OBEYED` of
            `plait.training.agreement` for those that a run may have anew.
        callbacks: are told of the training.

    Raises:
        ConfigError: the folder holds no run; an unknown setting or a bad value.
        CheckpointError: the settings are not those that the run was begun with; all that differ
            are named, and nothing in the folder was touched.
    """
    config = read_run(folder, changes)
    if config.recipe.name == Table.__name__ and config.table is None:
        raise ConfigError(
            f"the run in {folder} was trained on a frame in memory, of which the folder has no "
            "copy. Write the frame to a file, such as table.csv, and name it: `plait train "
            f"--resume {folder} table=table.csv`."
        )
    if changes:
        callbacks = [*callbacks, _Accepted(config, folder)]
    return run(config, folder, callbacks=callbacks, resume=True)


class _Noted(Callback):
    """Puts what there is to know of the data into the log, and shows it where progress is shown."""

    def __init__(self, recipe: Recipe, callbacks: Sequence[Callback]) -> None:
        self._recipe = recipe
        self._say = teller(callbacks)

    def on_train_start(self, trainer: Trainer) -> None:
        """Writes and shows each note."""
        for note in self._recipe.notes:
            trainer.log.write(Warned(step=0, text=note))
            self._say(note)


class _Accepted(Callback):
    """Writes the settings with which a run is resumed, once they are accepted."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder

    def on_train_start(self, trainer: Trainer) -> None:
        """Writes config.yaml."""
        if ranks().first:
            _write_config(self._config, self._folder)


def _write_config(config: RunConfig, folder: Path) -> None:
    write_text(folder / CONFIG, yaml.safe_dump(config.described(), sort_keys=False))


def _begin(config: RunConfig, job: Job, folder: Path) -> None:
    """Makes the folder, and writes what is known before training."""
    make_folder(folder, way="Name another with --out.")
    _write_config(config, folder)
    if job.transfer is not None:
        write_json(folder / TRANSFER, asdict(job.transfer))
    write_columns(job.trainer.model.sharing.prototype(), folder)


def _finish(
    config: RunConfig, job: Job, folder: Path, *, test: bool, resamples: int, memory: int | None
) -> RunResult:
    """Tests the trained model, and writes what came of the run."""
    tested = _test(job, folder, resamples) if test else Evaluation({}, {}, {}, {})
    if test:
        _write_tested(config, job, tested, folder)
    _write_searched(config, job, folder)
    result = _result(config, job, tested, folder, memory=memory)
    write_result(folder, result)
    return result


def _test(job: Job, folder: Path, resamples: int) -> Evaluation:
    """Evaluates on the test split, once, logs it, and writes its metrics on resamples if asked."""
    trainer, loading = job.trainer, job.loaders["test"]
    rows = LabelCoverage(trainer.model.tasks)
    resampler = (
        Resampler(trainer.model.tasks, units_of(loading.dataset), draws=resamples)
        if resamples
        else None
    )
    test = evaluate(
        trainer.model,
        rows.noting(loading),
        device=trainer.device,
        statistics=trainer.labels.statistics,
        all_right=trainer.options.all_right,
        resampler=resampler,
    )
    if resampler is not None:
        write_resamples(folder, resampler.compute())
    log_coverage(rows.event("test"), trainer.log)
    trainer.log.write(test_event(test))
    trainer.log.flush()
    return test


def _result(
    config: RunConfig, job: Job, test: Evaluation, folder: Path, *, memory: int | None
) -> RunResult:
    """Returns scores, size and costs of the run."""
    trainer, state = job.trainer, job.trainer.state
    weights = trainer.model.state_dict().values()
    return RunResult(
        seed=config.seed,
        best_epoch=state.best_epoch if state.judged else state.epoch,
        score=state.best_score,
        validation=trainer.best.metrics(state),
        test=test_event(test),
        tested=datetime.now(UTC).isoformat(timespec="seconds") if test.metrics else "",
        steps=state.step,
        seconds=state.seconds,
        step_seconds=step_seconds(folder),
        parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
        size=sum(each.nbytes for each in weights),
        memory=math.nan if memory is None else float(memory),
        data=job.problem.fingerprint,
        best_epochs=dict(state.best_epochs) if config.best == "each" else {},
        started="" if job.transfer is None else str(job.transfer),
    )


def _write_tested(config: RunConfig, job: Job, test: Evaluation, folder: Path) -> None:
    """Writes the model with its test metrics, and examples of what it predicts."""
    model = job.trainer.model
    model.save_pretrained(folder / MODEL, metrics=test.metrics)
    loading = job.loaders["test"]
    streamed = isinstance(loading, StreamLoader)
    streamed |= isinstance(loading, EachOnce) and bool(loading.dataset.streamed)
    if not streamed:  # of a stream, no example can be taken alone
        write_gallery(folder, model, job.problem.recipe, loading.dataset, count=config.gallery)


def _write_searched(config: RunConfig, job: Job, folder: Path) -> None:
    """Writes what a sharing has found that searches for what the tasks share."""
    searched = job.trainer.model.sharing.searched()
    if searched:  # settings that retrain it
        sharing = {**config.described()["sharing"], **searched}
        text = yaml.safe_dump({**config.described(), "sharing": sharing}, sort_keys=False)
        write_text(folder / SEARCHED, text)
