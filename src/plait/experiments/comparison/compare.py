"""Members, each trained from several seeds, against one network for each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from plait.core.errors import ConfigError
from plait.evaluation.resampled import DRAWS
from plait.experiments.build import Problem, open_problem
from plait.experiments.comparison.budget import limited, plain_minutes
from plait.experiments.comparison.choices import Budget, Rows
from plait.experiments.comparison.member import JOINT, Member
from plait.experiments.comparison.note import note_of
from plait.experiments.comparison.outcome import comparison_of
from plait.experiments.comparison.plan import Planned, check_built, check_names, joint, single
from plait.experiments.comparison.rows import ExtraRows
from plait.experiments.comparison.runner import MakeCallbacks, Runner
from plait.experiments.comparison.trained import MemberRuns
from plait.experiments.comparison.tuning import best_rate, tuned, tuned_rates, tuned_weights
from plait.experiments.config import RunConfig
from plait.experiments.jobs import hold
from plait.experiments.jobs.backends import BackendName
from plait.runs.comparison import Comparison, write_comparison
from plait.runs.folder import check_no_run


def compare(
    config: RunConfig,
    folder: Path,
    *,
    title: str,
    members: Sequence[Member] = JOINT,
    rows: Sequence[Rows] = (),
    seeds: int = 1,
    budget: Budget = "epochs",
    trials: int = 0,
    rates: bool = False,
    jobs: int = 1,
    backend: BackendName = "loky",
    resamples: int = DRAWS,
    problem: Problem | None = None,
    callbacks: MakeCallbacks = lambda label: (),
    say: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Trains each member, and one network per task, with the same budget; compares them.

    All networks of one seed get the same encoder (from the same first weights), heads, data and
    batch size. Each takes its best epoch by its own tasks on the validation split; the test split
    is read once by each, after all choices. Runs that are finished are not repeated, and one that
    was interrupted goes on: call it again with the same folder.

    Args:
        config: the settings of the joint networks; the single-task runs have one task each of it.
        folder: gets a run folder for each network, in `seed-N`, and comparison.json; that of an
            earlier comparison may be named again, with more seeds as well.
        title: of the report.
        members: the joint networks, at least one; by default that of `config` itself.
        rows: what else stands in the table; see `plait.experiments.comparison.rows`.
        seeds: how often all is trained, from `config.seed`, `config.seed` + 1, ...; at least 1.
        budget: what all members have alike: the epochs, or the wall-clock time that the plain sum
            takes for its epochs.
        trials: settings that are tried for each member, the single-task networks included, and
            chosen on the validation split; 0 tunes nothing.
        rates: without trials: whether three learning rates are tried once, on the plain sum, of
            which all use the best.
        jobs: how many runs are trained at once.
        backend: joblib's: "loky" on this machine, "ray" or "dask" on a cluster.
        resamples: how often the test part is drawn anew, of which intervals are made; 0 for never.
        problem: what `open_problem` gave for `config`, so that the data are read once; opened here
            by default.
        callbacks: makes the callbacks of each run from its name; with one job alone.
        say: is told of each run, in a sentence.

    Raises:
        RunExistsError: the folder holds a run that is none of this comparison, or one of other
            settings; nothing in it was touched.
        ConfigError: settings that make no sense, no member or seed, or two runs of one name.
    """
    if seeds < 1 or not members:
        raise ConfigError(
            "a comparison needs at least one member and one seed; found "
            f"members: {len(members)}, seeds: {seeds}."
        )
    check_no_run(folder)
    runner = Runner(
        folder=folder,
        problem=open_problem(config) if problem is None else problem,
        config=config,
        seeds=range(config.seed, config.seed + seeds),
        jobs=jobs,
        backend=backend,
        resamples=resamples,
        callbacks=callbacks,
        say=say,
    )
    check_built(_planned(config, members, runner), runner.problem)
    with hold(folder):
        searched = rates and not trials
        chosen = best_rate(runner, config) if searched else config
        trained = _trained(runner, chosen, members, rows, budget=budget, trials=trials)
        note = note_of(
            chosen, trained, runner.seeds, budget=budget, trials=trials, searched=searched
        )
        comparison = comparison_of(trained, runner, title=title, note=note)
        write_comparison(folder, comparison)
    return comparison


def _trained(
    runner: Runner,
    config: RunConfig,
    members: Sequence[Member],
    rows: Sequence[Rows],
    *,
    budget: Budget,
    trials: int,
) -> list[MemberRuns]:
    """Trains all members, the single-task networks first, and the rows beside them."""
    extra = ExtraRows(rows, config, runner)
    planned = [*_planned(config, members, runner), *extra.before()]
    check_names(planned)
    if trials:
        planned = [tuned(runner, each, trials) for each in planned]
        weights = tuned_weights(runner, config, trials) if "tuned-weights" in rows else None
        planned += [] if weights is None else [weights]
    minutes = plain_minutes(runner, planned) if budget == "time" else None
    trained = runner.trained([limited(each, minutes) for each in planned])
    late = extra.late_weights(trained)
    if isinstance(late, Planned):
        chosen = tuned_rates(runner, late, trials) if trials else late
        (late,) = runner.trained([limited(chosen, minutes)])
    return [*trained, *([late] if late else []), *extra.after(trained)]


def _planned(config: RunConfig, members: Sequence[Member], runner: Runner) -> list[Planned]:
    """Returns the single-task networks, then the members."""
    networks = [joint(config, member) for member in members]  # before data are read for the tasks
    found = [single(config, runner.tasks), *networks]
    check_names(found)
    return found
