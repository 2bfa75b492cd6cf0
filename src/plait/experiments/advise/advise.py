"""One answer from a budget of minutes: look, diagnose, try a few ways, compare the best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from plait.core.errors import ConfigError
from plait.core.files import write_text
from plait.experiments.advise.budget import FINALISTS, MOST_SEEDS, Plan, kept_plan, settle
from plait.experiments.advise.candidates import MOST, candidates
from plait.experiments.advise.halving import halve
from plait.experiments.advise.recommend import Recommended, recommend
from plait.experiments.advise.scores import epoch_scores
from plait.experiments.build import open_problem
from plait.experiments.comparison.compare import compare
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.member import Member
from plait.experiments.comparison.outcome import gains_of
from plait.experiments.comparison.plan import joint, single
from plait.experiments.comparison.runner import MakeCallbacks, Runner
from plait.experiments.config import RunConfig, validate
from plait.experiments.diagnosis import diagnose_config
from plait.experiments.jobs import hold
from plait.experiments.overrides import merge
from plait.recipes import Combined
from plait.runs.advice import Advice, Candidate, write_advice
from plait.runs.comparison import Comparison
from plait.runs.comparison_member import ALL
from plait.runs.diagnosis import Diagnosis, read_diagnosis
from plait.runs.folder import ADVISED, DIAGNOSIS, FIRST_LOOK, check_no_run
from plait.runs.result import read_result

LOOK_SHARE = 0.1  # of the budget, for the short training that is diagnosed
WORSE = 2.0  # per cent of a task's own network on validation, from which joint training costs it
Say = Callable[[str], None]


def advise(
    config: RunConfig,
    folder: Path,
    *,
    minutes: float,
    title: str = "",
    seeds: int = MOST_SEEDS,
    jobs: int = 1,
    callbacks: MakeCallbacks = lambda label: (),
    say: Say = lambda text: None,
) -> tuple[Advice, Comparison]:
    """Says which tasks to train together, how, and what it brings, within a number of minutes.

    A short joint training is diagnosed; the plain joint network and a network for each task are
    trained; the few members that this speaks for are tried by successive halving; the best of them
    are compared with separate networks from several seeds. All choices are made on the validation
    split. The test split is read by the networks of the comparison at its end.

    Args:
        config: the settings.
        folder: gets advice.json, advice.yaml, the comparison and all runs; that of an advice that
            was interrupted may be named again, and nothing that is finished is repeated.
        minutes: the budget; what is begun is finished, so that it may be exceeded somewhat.
        title: of the report.
        seeds: of the comparison, at most.
        jobs: how many runs of the comparison are trained at once.
        callbacks: makes the callbacks of each run from its name.
        say: is told what is done, in sentences.

    Raises:
        ConfigError: settings that make no sense, or a single task.
        RunExistsError: the folder holds a run that is none of this advice.
    """
    if minutes <= 0:
        raise ConfigError(f"`minutes` must be positive; found {minutes}.")
    check_no_run(folder)
    work = _Work(config, folder, minutes, seeds, jobs, callbacks, say)
    tasks = [task.name for task in work.problem.tasks(config.tasks)]
    if len(tasks) < 2:
        raise ConfigError("advice is about several tasks, and there is one: train it alone.")
    if isinstance(work.problem.recipe, Combined):
        work.problem.recipe.check_alone(tasks)
    with hold(folder):
        diagnosis = work.first_look()
        planned = work.plan()
        worse = work.first_trainings()
        tried = work.halving(diagnosis, worse)
    finalists = work.finalists(tried)
    planned = work.settle(planned)
    say(f"comparing {', '.join(each.title for each in finalists)} with separate networks")
    found = compare(
        work.config,
        folder,
        title=title or "What to train",
        members=finalists,
        seeds=planned.seeds,
        jobs=jobs,
        problem=work.problem,
        callbacks=callbacks,
        say=say,
    )
    work.spent("comparison")
    advice = work.advice(recommend(found), found, diagnosis, tried, finalists)
    write_advice(folder, advice)
    return advice, found


class _Work:
    """Does the stages of an advice, and notes what each took."""

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        minutes: float,
        seeds: int,
        jobs: int,
        callbacks: MakeCallbacks,
        say: Say,
    ) -> None:
        self.config = config
        self.folder = folder
        self.problem = open_problem(config)
        self._minutes, self._most_seeds = minutes, seeds
        self._jobs, self._callbacks, self._say = jobs, callbacks, say
        self._epochs, self._once = config.epochs, math.nan
        self._stages: dict[str, float] = {}
        self._since = time.monotonic()
        self._cut = ""

    def spent(self, stage: str) -> None:
        """Notes the minutes since the stage before."""
        now = time.monotonic()
        self._stages[stage] = (now - self._since) / 60
        self._since = now

    def first_look(self) -> Diagnosis:
        """Trains the plain joint network for a short while, and diagnoses it."""
        look = self.folder / FIRST_LOOK
        if not (look / DIAGNOSIS).is_file():
            self._say("a first look: a short joint training, and its diagnosis")
            plain = joint(self.config, PLAIN_SUM).networks[ALL]
            diagnose_config(
                plain,
                look,
                minutes=LOOK_SHARE * self._minutes,
                title="the plain joint network, after a short training",
                callbacks=self._callbacks("a first look"),
                forecast_seconds=None,
                problem=self.problem,
            )
        self.spent("first look")
        found = read_diagnosis(look)
        for sentence in found.sentences:
            self._say(sentence)
        return found

    def plan(self) -> Plan:
        """Fits epochs and seeds into the minutes; the plan of before, if there is one."""
        look = self.folder / FIRST_LOOK
        result, epochs = read_result(look), len(epoch_scores(look))
        each = math.nan if result is None or not epochs else result.seconds / epochs
        planned = kept_plan(
            self.folder,
            self.config.epochs,
            each,
            60 * (self._minutes - sum(self._stages.values())),
            seeds=self._most_seeds,
            candidates=MOST,
        )
        if planned.sentence:
            self._say(planned.sentence)
        self._cut = planned.sentence
        self.config = self.config.model_copy(update={"epochs": planned.epochs})
        self.runner = Runner(
            folder=self.folder,
            problem=self.problem,
            config=self.config,
            seeds=range(self.config.seed, self.config.seed + planned.seeds),
            jobs=self._jobs,
            callbacks=self._callbacks,
            say=self._say,
        )
        return planned

    def first_trainings(self) -> list[str]:
        """Trains the plain joint network and those of one task; returns what it makes worse."""
        planned = [joint(self.config, PLAIN_SUM), single(self.config, self.runner.tasks)]
        trained = self.runner.trained(planned, self.runner.seeds[:1], test=False)
        self.spent("joint and separate networks")
        results = [
            one.result for each in trained for runs in each.networks.values() for one in runs
        ]
        self._once = sum(each.seconds if each else math.nan for each in results)
        plain, alone = (runs.validation(0) for runs in trained)
        worse = []
        for name, gains in gains_of(self.runner.tasks, plain, alone).items():
            change = next(iter(gains.values()), math.nan)
            if change < -WORSE:
                worse.append(name)
                self._say(f"on validation, joint training costs `{name}` {-change:.1f} %")
        return worse

    def halving(self, diagnosis: Diagnosis, worse: Sequence[str]) -> list[Candidate]:
        """Tries what the diagnosis speaks for."""
        reasoned = candidates(diagnosis, worse)
        self._reasons = {each.member.name: each.member for each in reasoned}
        for each in reasoned:
            self._say(f"to be tried: {each.member.title}, because {each.reason}")
        found = halve(reasoned, self.config, self.runner)
        self.spent("trials")
        return found

    def settle(self, planned: Plan) -> Plan:
        """Adds seeds, if trainings took less time than was planned."""
        left = 60 * (self._minutes - sum(self._stages.values())) * self._jobs
        found = settle(self.folder, planned, self._epochs, left, self._once, seeds=self._most_seeds)
        if found.seeds > planned.seeds:
            self._say(f"time is left for {found.seeds} seeds in place of {planned.seeds}")
        self._cut = found.sentence
        return found

    def finalists(self, tried: Sequence[Candidate]) -> list[Member]:
        """Returns the plain joint network and the best of the others by their scores."""
        known = [each for each in tried if not math.isnan(each.score)]
        best = sorted(known, key=lambda each: -each.score)[:FINALISTS]
        return [PLAIN_SUM, *(self._reasons[each.name] for each in best)]

    def advice(
        self,
        recommended: Recommended,
        found: Comparison,
        diagnosis: Diagnosis,
        tried: Sequence[Candidate],
        finalists: Sequence[Member],
    ) -> Advice:
        """Writes the settings of what is recommended, and returns all that is to be said."""
        names = {member.name for member in finalists}
        member = next(m for m in found.rows_of_table if m.name == recommended.member)
        models = {task: network.folders[0] for task, network in member.networks.items()}
        separate = member.name == found.baseline.name
        if not separate:
            own = validate(merge(self.config.described(), member.settings))
            text = yaml.safe_dump(own.described(), sort_keys=False)
            write_text(self.folder / ADVISED, text)
        return Advice(
            action=recommended.action,
            headline=recommended.headline,
            sentences=recommended.sentences,
            member=member.name,
            config="" if separate else ADVISED,
            models=models,
            reasons=diagnosis.sentences,
            candidates=[
                replace(each, outcome="final") if each.name in names else each for each in tried
            ],
            not_tried=_not_tried(self._cut, tried),
            minutes=self._stages,
            budget=self._minutes,
        )


def _not_tried(cut: str, tried: Sequence[Candidate]) -> list[str]:
    told = [f"longer trainings: {cut}"] if cut else []
    told += [f"{each.title}: {each.outcome}" for each in tried if each.outcome.startswith("failed")]
    return [
        *told,
        "other learning rates and options: `plait tune`, or `plait compare --trials 10`",
        "members that the diagnosis does not speak for: `plait compare --members ...`",
    ]
