"""A study on disk: which trial comes next, and what became of each, whoever was killed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import ConfigError, RunExistsError
from plait.core.extras import need
from plait.core.seeding import derive_seed
from plait.experiments.config import RunConfig
from plait.experiments.jobs.finished import PLACES, WITHOUT_EFFECT
from plait.experiments.jobs.hold import check_left, hold
from plait.experiments.search.defaults import Refused
from plait.experiments.search.journal import PURPOSE, open_journal, open_study, quiet
from plait.experiments.search.objective import Objective
from plait.experiments.search.space import Space
from plait.experiments.search.trials import MOST_DRAWN, drawn
from plait.runs.result import RunResult
from plait.training.agreement import differences, told

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

TRIALS = "trials"  # the folder of the trials' run folders
WORKING = ".working"  # whose locks say which trials somebody works on
START = 10  # trials that are spread evenly; all others follow from the scores so far
NEVER_PRUNED = 5  # so many trials are trained whole before one is pruned
WARM_UP = 4  # a trial is pruned after this part of its epochs at the earliest
ABOUT = "about"  # what the study is about, of which another search must not be
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
            self._check()
        self._study.pruner = optuna.pruners.MedianPruner(
            n_startup_trials=NEVER_PRUNED, n_warmup_steps=warm_up(self.config)
        )
        self._points: Iterator[tuple[dict[str, Any], RunConfig]] | None = None
        self._drawn: list[dict[str, Any]] = []

    @property
    def trials(self) -> list[FrozenTrial]:
        """The trials that count: those that were not passed over before they were trained."""
        return [trial for trial in self._all() if PASSED not in trial.user_attrs]

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
                    working.enter_context(hold(self._lock(trial.number)))
                    folder = self.folder_of(trial.number)
                    claim = Claim(trial, self.config_of(trial), folder)
            yield claim

    def others(self) -> list[int]:
        """Returns the numbers of the trials that other processes work on."""
        return [each.number for each in self._running() if not self._dead(each.number)]

    def report(self, claim: Claim, epoch: int, score: float) -> bool:
        """Writes the score of an epoch, and tells whether the trial is to end."""
        known = self._all()[claim.trial.number].intermediate_values
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

    def prune(self, claim: Claim, reason: str) -> None:
        """Writes that a trial was ended early."""
        claim.trial.set_user_attr(REASON, reason)
        with quiet():
            self._study.tell(claim.trial, state=self._states.PRUNED)

    def fail(self, claim: Claim, reason: str) -> None:
        """Writes that a trial has failed, and why."""
        claim.trial.set_user_attr(REASON, reason)
        with quiet():
            self._study.tell(claim.trial, state=self._states.FAIL)

    def _next(self, limit: int) -> Trial | None:
        """Returns a trial to train: one that waits, else a new one.

        None if there are enough, or the space has no settings that were not tried.
        """
        reason = ""
        for _ in range(MOST_PASSED):
            waiting = self._waiting()
            if not waiting and len(self.trials) >= min(limit, self._most):
                return None
            trial = self._ask(waiting[0]) if waiting else self._new(len(self.trials))
            reason = self._passed_over(trial)
            if not reason:
                return trial
            trial.set_user_attr(PASSED, reason)
            # A failed trial teaches the sampler nothing, so that it would propose the like again
            self._study.tell(trial, state=self._states.PRUNED)
        if reason == TRIED:
            return None
        raise ConfigError(
            f"{MOST_PASSED} settings in a row cannot be had by a run; of the last: {reason}"
        )

    @property
    def _most(self) -> float:
        """The number of trials that the space has settings for."""
        outside = self.space.point_of(self.config) is None
        return self.space.size + outside

    def _new(self, count: int) -> Trial:
        """Returns a new trial: the settings themselves, a point spread evenly, or a chosen one."""
        point = self._point(count - 1) if 0 < count < START else None
        if count == 0:
            own = self.space.point_of(self.config) or {}
            self._study.enqueue_trial(own, user_attrs={UNTUNED: True})
        elif point is not None:
            self._study.enqueue_trial(point)
        return self._ask(next(iter(self._waiting()), None))

    def _ask(self, known: FrozenTrial | None) -> Trial:
        """Returns a trial with its point, which is drawn as far as it has none.

        Args:
            known: the trial that waits; None for one that is still to be made.
        """
        number = len(self._all()) if known is None else known.number
        untuned = known is not None and known.user_attrs.get(UNTUNED)
        outside = untuned and self.space.point_of(self.config) is None
        dimensions = () if outside else self.space.dimensions
        self._study.sampler = self._sampler(number)
        return self._study.ask({each.key: each.distribution() for each in dimensions})

    def _point(self, place: int) -> dict[str, Any] | None:
        """Returns one of the points that are spread evenly; None where there are fewer."""
        if self._points is None:
            self._points = drawn(
                self.space, self.config, seed=self.seed, why=self.why, most=MOST_DRAWN * START
            )
        while len(self._drawn) <= place:
            found = next(self._points, None)
            if found is None:
                return None
            self._drawn.append(found[0])
        return self._drawn[place]

    def _sampler(self, number: int) -> Any:
        """Returns the sampler of one trial, whose draws depend on its number alone.

        So a search that was killed goes on as it would have gone on, and no two processes draw the
        same numbers.
        """
        samplers = need("optuna.samplers", extra="app", purpose=PURPOSE)
        seed = derive_seed(self.seed, f"trial {number}") % 2**32
        return samplers.TPESampler(seed=seed, n_startup_trials=1, constant_liar=True)

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
        for trial in self._running():
            if self._dead(trial.number):
                study = self._storage.get_study_id_from_name(self._study.study_name)
                key = self._storage.get_trial_id_from_study_id_trial_number(study, trial.number)
                self._storage.set_trial_state_values(key, self._states.WAITING)

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _waiting(self) -> list[FrozenTrial]:
        return [each for each in self._all() if each.state == self._states.WAITING]

    def _running(self) -> list[FrozenTrial]:
        return [each for each in self._all() if each.state == self._states.RUNNING]

    def _dead(self, number: int) -> bool:
        try:
            check_left(self._lock(number))
        except RunExistsError:
            return False
        return True

    def _lock(self, number: int) -> Path:
        return self.folder / WORKING / f"{number:03}"

    def _check(self) -> None:
        """Refuses to go on with a search that is another one."""
        now = json.loads(json.dumps(self._about()))
        saved = self._study.user_attrs.get(ABOUT)
        if saved is None:
            self._study.set_user_attr(ABOUT, now)
            return
        found = [told(*each) for each in differences(saved, now)]
        if found:
            raise RunExistsError(
                f"the search in {self.folder} is another one: {'; '.join(found)}. Name another "
                "folder with --out, or search as before to go on with it."
            )

    def _about(self) -> dict[str, Any]:
        settings = self.config.described()
        return {
            "settings": {k: v for k, v in settings.items() if k not in WITHOUT_EFFECT | PLACES},
            "space": dict(line.split(": ", 1) for line in self.space.described()),
            "objective": list(self.objective.names),
            "seed": self.seed,
            "data": dict(self.data),
        }
