"""A study on disk: which trial comes next, and what became of each, whoever was killed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plait.core.errors import ConfigError, RunExistsError
from plait.core.extras import need
from plait.experiments.config import RunConfig
from plait.experiments.jobs.hold import check_left, hold
from plait.experiments.search.defaults import Refused
from plait.experiments.search.journal import PURPOSE, open_journal, open_study, quiet
from plait.experiments.search.objective import Objective
from plait.experiments.search.proposals import Proposals
from plait.experiments.search.same import about, check_same
from plait.experiments.search.space import Space
from plait.runs.result import RunResult

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

TRIALS = "trials"  # the folder of the trials' run folders
WORKING = ".working"  # whose locks say which trials somebody works on
NEVER_PRUNED = 5  # so many trials are trained whole before one is pruned
WARM_UP = 4  # a trial is pruned after this part of its epochs at the earliest
UNTUNED, REASON, PASSED, SECONDS = "untuned", "reason", "passed over", "seconds"
TRIED = "they were tried already"
MOST_PASSED = 30  # settings in a row that a run cannot have, or that were tried
LONGEST = 600.0  # seconds until another process must have chosen its settings


def warm_up(config: RunConfig) -> int:
    """Returns the epochs after which a trial may be pruned: a quarter of all, at least one."""
    return max(1, config.epochs // WARM_UP)


@dataclass(frozen=True)
class Claim:
    """A trial that this process works on.

    Attributes:
        trial: of Optuna.
        config: the settings of its run.
        folder: its run folder.
    """

    trial: Trial
    config: RunConfig
    folder: Path


@dataclass
class Study:
    """A search on disk, on which several processes may work.

    Attributes:
        folder: of the search.
        config: the settings that it starts from.
        space: what is searched.
        objective: what is looked for.
        seed: of the settings that are tried.
        why: tells why a run cannot have some settings.
        data: `{what: digest}` of the data.
    """

    folder: Path
    config: RunConfig
    space: Space
    objective: Objective
    seed: int
    why: Refused
    data: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        optuna = need("optuna", extra="app", purpose=PURPOSE)
        self._states = optuna.trial.TrialState
        self._storage = open_journal(self.folder)
        with hold(self.folder, wait=LONGEST):
            self._study = open_study(self._storage, self.objective.directions)
            now = about(self.config, self.space, self.objective, self.seed, self.data)
            check_same(self._study, now, self.folder)
        self._study.pruner = optuna.pruners.MedianPruner(
            n_startup_trials=NEVER_PRUNED, n_warmup_steps=warm_up(self.config)
        )
        self._proposals = Proposals(self.space, self.config, self.seed, self.why)

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that count: those that were not passed over before they were trained."""
        found = self._study.get_trials(deepcopy=False)
        return [trial for trial in found if PASSED not in trial.user_attrs]

    def config_of(self, trial: FrozenTrial | Trial) -> RunConfig:
        """Returns the settings of a trial's run."""
        if trial.user_attrs.get(UNTUNED):
            return self.config
        return self.space.config(self.config, trial.params)

    def folder_of(self, number: int) -> Path:
        """Returns the run folder of a trial."""
        return self.folder / TRIALS / f"{number:03}"

    @contextmanager
    def claimed(self, limit: int) -> Iterator[Claim | None]:
        """Gives this process the next trial, and keeps all others from it meanwhile.

        Trials whose process has ended without a word come first, with the settings that they had.

        Args:
            limit: how many trials the study is to have.

        Yields:
            The trial; None if there is none left for this process.

        Raises:
            ConfigError: of many points of the space, a run can have none.
        """
        with ExitStack() as working:
            claim = None
            with hold(self.folder, wait=LONGEST), quiet():
                self._revive()
                trial = self._next(limit)
                if trial is not None:
                    working.enter_context(hold(_lock(self.folder, trial.number)))
                    folder = self.folder_of(trial.number)
                    claim = Claim(trial, self.config_of(trial), folder)
            yield claim

    def others(self) -> list[int]:
        """Returns the numbers of the trials that other processes work on."""
        running = [each.number for each in self._in("RUNNING")]
        return [number for number in running if not is_left(self.folder, number)]

    def report(self, claim: Claim, epoch: int, score: float) -> bool:
        """Writes the score of an epoch, and tells whether the trial is to end."""
        known = self._study.trials[claim.trial.number].intermediate_values
        if epoch not in known:  # a run that goes on from a checkpoint may repeat an epoch
            claim.trial.report(score, epoch)
        return claim.trial.should_prune()

    def complete(self, claim: Claim, result: RunResult) -> None:
        """Writes that a trial was trained; it has failed if a number of the objective is NaN."""
        values = self.objective.values(result)
        claim.trial.set_user_attr(SECONDS, result.seconds)
        undefined = [
            name
            for name, value in zip(self.objective.names, values, strict=True)
            if math.isnan(value)
        ]
        if undefined:
            self.fail(claim, f"{', '.join(undefined)} is undefined (NaN) on the validation data")
            return
        with quiet():
            self._study.tell(claim.trial, values)

    def fail(self, claim: Claim, reason: str, *, pruned: bool = False) -> None:
        """Writes that a trial has failed, or was ended early, and why."""
        claim.trial.set_user_attr(REASON, reason)
        state = self._states.PRUNED if pruned else self._states.FAIL
        with quiet():
            self._study.tell(claim.trial, state=state)

    def _next(self, limit: int) -> Trial | None:
        """Returns a trial to train: one that waits, else a new one.

        None if there are enough, or the space has no settings that were not tried.
        """
        reasons = {TRIED}
        for _ in range(MOST_PASSED):
            waiting = self._in("WAITING")
            if not waiting and len(self.trials) >= min(limit, self._proposals.most):
                return None
            trial = self._ask(waiting[0]) if waiting else self._new(len(self.trials))
            reason = self._passed_over(trial)
            if not reason:
                return trial
            reasons.add(reason)
            trial.set_user_attr(PASSED, reason)
            # A failed trial teaches the sampler nothing, so that it would propose the like again
            self._study.tell(trial, state=self._states.PRUNED)
        if reasons == {TRIED}:
            return None
        raise ConfigError(
            f"{MOST_PASSED} settings in a row cannot be had by a run; of one of them: "
            f"{min(reasons - {TRIED})}"
        )

    def _new(self, count: int) -> Trial:
        """Returns a new trial, which has so many before it."""
        point = self._proposals.point(count)
        if point is not None:
            self._study.enqueue_trial(point, user_attrs={} if count else {UNTUNED: True})
        return self._ask(next(iter(self._in("WAITING")), None))

    def _ask(self, known: FrozenTrial | None) -> Trial:
        """Returns a trial with its point, which is drawn as far as it has none.

        Args:
            known: the trial that waits; None for one that is still to be made.
        """
        number = len(self._study.get_trials(deepcopy=False)) if known is None else known.number
        untuned = known is not None and known.user_attrs.get(UNTUNED)
        outside = untuned and self._proposals.untuned is None
        dimensions = () if outside else self.space.dimensions
        self._study.sampler = self._proposals.sampler(number)
        return self._study.ask({each.key: each.distribution() for each in dimensions})

    def _passed_over(self, trial: Trial) -> str:
        """Tells why a new trial is not trained; "" if it is."""
        if trial.user_attrs.get(UNTUNED):
            return ""
        try:
            config = self.config_of(trial)
        except ConfigError as error:
            return str(error)
        tried = [each for each in self.trials if each.number != trial.number]
        if any(self.config_of(each) == config for each in tried):
            return TRIED
        return self.why(config)

    def _revive(self) -> None:
        """Lets trials wait again whose process has ended without a word."""
        for trial in self._in("RUNNING"):
            if is_left(self.folder, trial.number):
                study = self._storage.get_study_id_from_name(self._study.study_name)
                key = self._storage.get_trial_id_from_study_id_trial_number(study, trial.number)
                self._storage.set_trial_state_values(key, self._states.WAITING)

    def _in(self, state: str) -> list[FrozenTrial]:
        """Returns the trials in a state of Optuna."""
        found = self._study.get_trials(deepcopy=False)
        return [trial for trial in found if trial.state.name == state]


def is_left(folder: Path, number: int) -> bool:
    """Whether no process works on a trial of a search."""
    try:
        check_left(_lock(folder, number))
    except RunExistsError:
        return False
    return True


def _lock(folder: Path, number: int) -> Path:
    return folder / WORKING / f"{number:03}"
