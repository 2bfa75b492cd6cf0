"""A search for settings, from its first trial to the test of the best one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import yaml

from plait.core.errors import ConfigError, DataError, PlaitError, RunExistsError
from plait.core.extras import need
from plait.core.files import write_text
from plait.experiments.build import Problem, open_problem
from plait.experiments.config import RunConfig
from plait.experiments.jobs import Failure, RunSpec, train
from plait.experiments.jobs.attempt import end_with
from plait.experiments.jobs.hold import hold
from plait.experiments.jobs.once import once
from plait.experiments.search.defaults import refused
from plait.experiments.search.journal import PURPOSE
from plait.experiments.search.objective import ObjectiveName, objective
from plait.experiments.search.pruning import Pruned, Pruning
from plait.experiments.search.space import Space
from plait.experiments.search.study import Claim, Study
from plait.experiments.search.summary import how, summary
from plait.runs.folder import TUNING
from plait.runs.tuning import FinalRun, Tuning, read_tuning, write_tuning
from plait.training import Interrupted

BEST = "best.yaml"  # the settings of the best trial
FINAL = "final"  # the folder of the runs that are tested
ENDING = ".final"  # whose lock is held by the process that ends the search
LOOK_AGAIN = 1.0  # seconds between two looks at the trials of other processes

Say = Callable[[str], object]


@dataclass(frozen=True)
class Search:
    """A search for settings.

    Attributes:
        config: the settings that it starts from.
        folder: gets study.log, a run folder for each trial in trials/, best.yaml, and the runs that
            are tested in final/.
        space: what is searched.
        trials: how many the study is to have, those made before among them.
        objective: "rule", or "task" for the main metric of each task.
        seed: of the settings that are tried; not of their runs, which all have that of `config`.
        prune: whether trials end early that are worse than others; with one objective only.
    """

    config: RunConfig
    folder: Path
    space: Space
    trials: int
    objective: ObjectiveName = "rule"
    seed: int = 0
    prune: bool = True

    def study(self, problem: Problem) -> Study:
        """Opens the study, or begins it.

        Raises:
            RunExistsError: the folder holds another search.
        """
        wanted = objective(self.objective, self.config.rule, problem.tasks(self.config.tasks))
        return Study(
            self.folder,
            self.config,
            self.space,
            wanted,
            self.seed,
            refused(problem),
            problem.fingerprint,
        )


def tune(
    search: Search,
    *,
    title: str,
    problem: Problem,
    jobs: int = 1,
    finals: int = 1,
    say: Say = lambda text: None,
) -> Tuning:
    """Tries settings on the validation split, chooses the best, and then tests them once.

    Trials never read the test split. The same call goes on with a search that was interrupted or
    killed: finished trials are kept, one that was being trained goes on from its checkpoint with
    its own settings. Several processes may make the same call at the same time; each takes the next
    trial, and one of them ends the search.

    Args:
        search: the search.
        title: of its report.
        problem: of all runs.
        jobs: how many trials are trained at a time, in processes of this machine.
        finals: with so many seeds (that of the settings, and the next ones) the best settings are
            trained again and tested; 0 leaves the test split unread.
        say: is told of each step, in a sentence.

    Returns:
        What was found; the folder has it as tune.json.

    Raises:
        RunExistsError: the folder holds another search.
        ConfigError: fewer than one trial or job, or a space that is smaller than the trials.
        DataError: data that break their rules.
        Interrupted: by Ctrl-C, SIGTERM or SIGUSR1; the same call goes on.
    """
    if search.trials < 1 or jobs < 1 or finals < 0:
        raise ConfigError(
            "a search needs at least one trial and one job, and no fewer than 0 seeds to test; "
            f"found trials: {search.trials}, jobs: {jobs}, seeds: {finals}."
        )
    study = search.study(problem)
    say_all(say, ["searching", *(f"  {line}" for line in study.space.described())])
    say_all(say, how(study, prune=search.prune))
    made = len([each for each in study.trials if each.state.is_finished()])
    if made:
        say(f"{made} of {search.trials} trials are finished already, and are not repeated")
    try:
        if jobs > 1:
            _in_processes(search, jobs, say)
        _until_all_end(search, study, problem, say)
        with hold(search.folder / ENDING, wait=float("inf")):
            return _end(search, study, problem, title=title, jobs=jobs, finals=finals, say=say)
    except Interrupted as error:
        raise Interrupted(
            error.signal, go_on=f"to go on with {search.folder}, give the same command again"
        ) from None


def say_all(say: Say, lines: Sequence[str]) -> None:
    """Says several lines."""
    for line in lines:
        say(line)


def work(search: Search, study: Study, problem: Problem, say: Say) -> None:
    """Trains one trial after the other, until there is none left for this process."""
    while True:
        with study.claimed(search.trials) as claim:
            if claim is None:
                return
            say(f"trial {claim.trial.number}: {_try(search, study, claim, problem)}")


def _try(search: Search, study: Study, claim: Claim, problem: Problem) -> str:
    """Trains one trial, writes what became of it, and tells it."""
    pruning = []
    if search.prune and not study.objective.several:
        pruning = [Pruning(partial(study.report, claim))]
    spec = RunSpec(claim.config, claim.folder, test=False)
    try:
        result = once(spec, pruning, problem=problem)
    except Pruned as ended:
        study.fail(claim, str(ended), pruned=True)
        return str(ended)
    except (DataError, RunExistsError) as error:  # of each trial alike
        study.fail(claim, str(error))
        raise
    except (PlaitError, MemoryError, torch.OutOfMemoryError) as error:
        study.fail(claim, str(error) or type(error).__name__)
        return f"failed: {error}"
    except Exception as error:
        study.fail(claim, f"{type(error).__name__}: {error}")
        raise
    study.complete(claim, result)
    values = zip(study.objective.names, study.objective.values(result), strict=True)
    return ", ".join(f"{name} {value:.4g}" for name, value in values)


def _until_all_end(search: Search, study: Study, problem: Problem, say: Say) -> None:
    """Works, and waits for the trials of other processes; takes over those of a killed one."""
    told: list[int] = []
    while True:
        work(search, study, problem, say)
        others = study.others()
        if not others:
            return
        if others != told:
            say(f"waiting for trial {', '.join(map(str, others))} of other processes")
        told = others
        time.sleep(LOOK_AGAIN)


def _in_processes(search: Search, jobs: int, say: Say) -> None:
    """Works in several processes of this machine, until no trial is left for any."""
    joblib = need("joblib", extra="app", purpose=PURPOSE)
    threads = max(1, min(torch.get_num_threads(), joblib.cpu_count() // jobs))
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=threads):
        call = joblib.delayed(_worker)
        joblib.Parallel()(call(search, os.getpid(), threads, say) for _ in range(jobs))


def _worker(search: Search, parent: int, threads: int, say: Say) -> None:
    """Works in a process of its own, which does not outlive its parent."""
    end_with(parent)
    torch.set_num_threads(threads)
    problem = open_problem(search.config)
    work(search, search.study(problem), problem, say)


def _end(
    search: Search,
    study: Study,
    problem: Problem,
    *,
    title: str,
    jobs: int,
    finals: int,
    say: Say,
) -> Tuning:
    """Chooses the best trial, writes its settings, trains and tests them, and writes the record."""
    known = read_tuning(search.folder).finals if (search.folder / TUNING).is_file() else []
    told = partial(summary, study, title=title, wanted=search.trials, prune=search.prune)
    found = told(finals=known)
    chosen = next((each for each in study.trials if each.number == found.best), None)
    if chosen is None:
        write_tuning(search.folder, found)
        return found
    config = study.config_of(chosen)
    text = yaml.safe_dump(config.described(), sort_keys=False)
    write_text(search.folder / BEST, text)
    seeds = range(config.seed, config.seed + finals)
    specs = [
        RunSpec(
            config.model_copy(update={"seed": seed}),
            search.folder / FINAL / f"{found.best:03}-seed-{seed}",
        )
        for seed in seeds
    ]
    if specs:
        say(f"training the settings of trial {found.best} again, to test them once")
    results = train(specs, jobs=jobs, problem=problem if jobs == 1 else None) if specs else []
    now = [
        FinalRun(
            trial=found.best,
            after=len(found.trials),
            seed=spec.config.seed,
            folder=str(spec.folder.relative_to(search.folder)),
            tested=result.tested,
            test=result.test.metrics,
            validation=result.validation,
        )
        for spec, result in zip(specs, results, strict=True)
        if not isinstance(result, Failure)
    ]
    failed = next((result for result in results if isinstance(result, Failure)), None)
    folders = {each.folder for each in known}
    found = told(finals=[*known, *(each for each in now if each.folder not in folders)])
    write_tuning(search.folder, found)
    if failed is not None:
        raise ConfigError(f"the best settings could not be trained again: {failed.reason}")
    return found
