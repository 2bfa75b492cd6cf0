"""Planned members become trained ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plait.experiments.build import Problem
from plait.experiments.comparison.member import SINGLE
from plait.experiments.comparison.plan import Planned, places
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.experiments.config import RunConfig
from plait.experiments.jobs import Failure, RunSpec, train
from plait.experiments.jobs.backends import BackendName
from plait.runs.resamples import read_resamples
from plait.runs.result import RunResult
from plait.tasks import BaseTask
from plait.training import Callback

MakeCallbacks = Callable[[str], Sequence[Callback]]


@dataclass(frozen=True)
class Runner:
    """Trains the networks of a comparison, those that are finished only once.

    Attributes:
        folder: of the comparison.
        problem: the data, tasks and encoder.
        config: the settings that the problem was opened with.
        seeds: of the runs.
        jobs: how many runs are trained at once.
        backend: joblib's, which trains them.
        resamples: how often the test part is drawn anew, for its noise; 0 for never.
        callbacks: makes the callbacks of each run from its name; with one job alone.
        say: is told of each run, in a sentence.
    """

    folder: Path
    problem: Problem
    config: RunConfig
    seeds: Sequence[int]
    jobs: int = 1
    backend: BackendName = "loky"
    resamples: int = 0
    callbacks: MakeCallbacks = lambda label: ()
    say: Callable[[str], None] = lambda text: None

    @cached_property
    def tasks(self) -> dict[str, BaseTask]:
        """All tasks by name."""
        return {task.name: task for task in self.problem.tasks(self.config.tasks)}

    @property
    def places(self) -> dict[int, Path]:
        """The folder of each seed."""
        return places(self.folder, self.seeds)

    def trained(
        self,
        planned: Sequence[Planned],
        seeds: Sequence[int] | None = None,
        *,
        test: bool = True,
    ) -> list[MemberRuns]:
        """Trains each network of each member from each seed, by default from all.

        Args:
            planned: the members.
            seeds: some of the comparison's.
            test: whether the test split is read; choices among members leave it alone.
        """
        seeds = self.seeds if seeds is None else seeds
        wanted = [
            (each, network, seed) for seed in seeds for each in planned for network in each.networks
        ]
        specs = [self.spec(*each, test=test) for each in wanted]
        results = self.results(specs, [self._label(*each) for each in wanted])
        found = {
            (each.member.name, network, seed): _trained(spec, result)
            for (each, network, seed), spec, result in zip(wanted, specs, results, strict=True)
        }
        return [
            MemberRuns(
                each.member,
                {
                    network: [found[each.member.name, network, seed] for seed in seeds]
                    for network in each.networks
                },
                each.tuned,
                each.trials,
            )
            for each in planned
        ]

    def results(self, specs: Sequence[RunSpec], labels: Sequence[str]) -> list[RunResult | Failure]:
        """Trains runs, and returns their results in the same order."""
        named = {spec.folder: label for spec, label in zip(specs, labels, strict=True)}
        return train(
            specs,
            jobs=self.jobs,
            backend=self.backend,
            say=self.say,
            callbacks=lambda spec: self.callbacks(named[spec.folder]),
            problem=self.problem if self.jobs == 1 else None,
        )

    def spec(self, planned: Planned, network: str, seed: int, *, test: bool = True) -> RunSpec:
        """Returns the run of one network from one seed."""
        own = planned.networks[network].model_copy(update={"seed": seed})
        folder = self.places[seed] / planned.folder(network)
        resamples = self.resamples if test else 0
        return RunSpec(own, folder, problem=self.config, test=test, resamples=resamples)

    def _label(self, planned: Planned, network: str, seed: int) -> str:
        name = f"{planned.member.name} {network}".rstrip()
        name = f"{network} alone" if planned.member is SINGLE else name
        return f"{name}, seed {seed}" if len(self.seeds) > 1 else name


def _trained(spec: RunSpec, result: RunResult | Failure) -> Trained:
    if isinstance(result, Failure):
        return Trained(None, spec.folder, failed=result.reason)
    return Trained(result, spec.folder, resamples=read_resamples(spec.folder))
