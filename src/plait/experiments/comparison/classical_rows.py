"""Models of scikit-learn as rows of a comparison, one for each task."""

from __future__ import annotations

from plait.experiments.baselines.classical import Model
from plait.experiments.baselines.classical_runs import TITLES, classical_runs
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.comparison.member import Member
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.experiments.config import RunConfig
from plait.runs.resamples import read_resamples


def classical_rows(config: RunConfig, runner: Runner) -> list[MemberRuns]:
    """Fits linear models and trees to each task of a table, from each seed, those fitted only once.

    There are none where no task has such a model, as for pictures.

    Args:
        config: the settings of the joint network.
        runner: of the comparison.
    """
    rows = [_rows(config, runner, model, title) for model, title in TITLES.items()]
    return [
        each for each in rows if any(one.result for runs in each.networks.values() for one in runs)
    ]


def _rows(config: RunConfig, runner: Runner, model: Model, title: str) -> MemberRuns:
    made = classical_runs(
        config,
        model,
        runner.places,
        problem=runner.problem,
        resamples=runner.resamples,
        jobs=runner.jobs,
    )
    found: dict[str, list[Trained]] = {task: [] for task in runner.tasks}
    for seed, place in runner.places.items():
        for task, one in made[seed].items():
            folder = place / f"{model}-{task}"
            found[task].append(
                Trained(None, failed=one.reason)
                if isinstance(one, NoRow)
                else Trained(one, folder, resamples=read_resamples(folder))
            )
    return MemberRuns(Member(model, title, kind="classical"), found)
