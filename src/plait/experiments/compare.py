"""Did joint training help? Joint networks against one single-task network for each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError
from plait.experiments.build import open_problem
from plait.experiments.config import RunConfig, validate
from plait.experiments.members import JOINT, Member
from plait.experiments.method import Method
from plait.experiments.outcome import SeedRuns, comparison_of
from plait.experiments.overrides import merge
from plait.experiments.run import Result, run
from plait.runs.comparison import Comparison, write_comparison
from plait.runs.folder import check_free
from plait.training import Callback

MakeCallbacks = Callable[[str], Sequence[Callback]]


def compare(
    config: RunConfig,
    folder: Path,
    *,
    title: str,
    members: Sequence[Member] = JOINT,
    seeds: int = 1,
    callbacks: MakeCallbacks = lambda label: (),
) -> Comparison:
    """Trains each member, then one network per task, with the same budget; compares them.

    All networks of one seed get the same encoder (from the same first weights), heads, data,
    epochs, batch size and optimizer. Each takes its best epoch by its own tasks on the validation
    split; the test split is read once by each. A single-task network is one encoder and head,
    trained on the plain loss of its task: what shares, ties, connects and balances is for several
    tasks. The single-task networks of a seed are trained once, for all members.

    Args:
        config: the settings of the joint networks; the single-task runs have one task each of it.
        folder: gets a run folder for each member and a `single-TASK` for each task, in `seed-N`
            if there are several seeds, and comparison.json.
        title: of the report.
        members: the joint networks, at least one; by default that of `config` itself.
        seeds: how often all is trained, from `config.seed`, `config.seed` + 1, ...; at least 1.
        callbacks: makes the callbacks of each run from its name.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
        ConfigError: settings that make no sense, no member or seed, or two runs of one name.
    """
    if seeds < 1 or not members:
        raise ConfigError(
            "a comparison needs at least one member and one seed; found "
            f"members: {len(members)}, seeds: {seeds}."
        )
    problem = open_problem(config)
    tasks = {task.name: task for task in problem.tasks(config.tasks)}
    joint = {
        member.name: validate(merge(config.described(), member.settings)) for member in members
    }
    single = {task: alone(config, task, tasks) for task in tasks}
    names = [*(member.name for member in members), *map(_folder, tasks)]
    trained = [
        SeedRuns(seed, folder / f"seed-{seed}" if seeds > 1 else folder)
        for seed in range(config.seed, config.seed + seeds)
    ]
    _check_names(names)
    places = [runs.folder.relative_to(folder) / name for runs in trained for name in names]
    check_free(folder, map(str, places))

    def trained_from(own: RunConfig, runs: SeedRuns, name: str, label: str) -> Result:
        """Trains one network from one seed."""
        made = callbacks(f"{label}, seed {runs.seed}" if seeds > 1 else label)
        own = own.model_copy(update={"seed": runs.seed})
        return run(own, runs.folder / name, callbacks=made, problem=problem)

    for runs in trained:
        for name, own in joint.items():
            runs.joint[name] = trained_from(own, runs, name, name)
        for task, own in single.items():
            runs.single[task] = trained_from(own, runs, _folder(task), f"{task} alone")
    note = _note(config, list(joint.values()), trained)
    comparison = comparison_of(trained, members, tasks, folder, title=title, note=note)
    write_comparison(folder, comparison)
    return comparison


def alone(config: RunConfig, task: str, tasks: Iterable[str]) -> RunConfig:
    """Returns the settings of a single-task run; a rule on another task's metric becomes skill.

    Args:
        config: of the joint run.
        task: the one that is left.
        tasks: the names of those that are trained jointly.
    """
    other = config.rule.rpartition("/")[0] not in ("", task)
    changed = {
        "tasks": _only(task, tasks, config.tasks),
        "balancing": Method.model_validate("Equal"),
        "sharing": Method.model_validate("Hard"),
        "regularization": None,
        "connections": None,
        "start_from": [],
        "freeze": [],
        "rule": "skill" if other else config.rule,
        "all_right": None,
    }
    return config.model_copy(update=changed)


def _only(task: str, tasks: Iterable[str], settings: Any) -> Any:
    """Returns the settings of the tasks that leave one task; a weight is for several tasks."""
    if not isinstance(settings, Mapping):
        return [task]
    own = settings.get(task)
    if isinstance(own, Mapping):
        own = {option: value for option, value in own.items() if option != "weight"}
    return {**dict.fromkeys([*settings, *tasks]), task: own or {}}


def _folder(task: str) -> str:
    return f"single-{task}"


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two runs would be named {twice[0]!r}. Give each member its own name.")


def _note(config: RunConfig, joint: Sequence[RunConfig], trained: Sequence[SeedRuns]) -> str:
    """Returns the conditions of the comparison, in sentences."""
    seeds = [str(runs.seed) for runs in trained]
    which = f"Seed {seeds[0]}" if len(seeds) == 1 else f"Seeds {', '.join(seeds)}"
    spread = (
        "One seed shows no spread: small differences may be chance."
        if len(seeds) == 1
        else "Numbers are the mean over the seeds ± the sample standard deviation."
    )
    balancers = {each.balancing.name for each in joint}
    balanced = f" Joint training balances by {balancers.pop()}." if len(balancers) == 1 else ""
    return (
        f"{which}, one run each: {config.epochs} epochs, batch size {config.batch_size}, the same "
        f"encoder and first weights.{balanced} Metrics are on the test split. {spread}"
    )
