"""Members, each trained from several seeds, against one network for each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from plait.core.errors import ConfigError
from plait.experiments.build import open_problem
from plait.experiments.comparison.member import JOINT, SINGLE, Member
from plait.experiments.comparison.outcome import comparison_of
from plait.experiments.comparison.single import alone
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge
from plait.experiments.run import run
from plait.runs.comparison import Comparison, write_comparison
from plait.runs.comparison_member import ALL
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
    split; the test split is read once by each. The single-task networks of a seed are trained once,
    for all members.

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
    joint = {each.name: validate(merge(config.described(), each.settings)) for each in members}
    single = {_folder(task): alone(config, task, tasks) for task in tasks}
    numbers = list(range(config.seed, config.seed + seeds))
    places = {seed: folder / f"seed-{seed}" if seeds > 1 else folder for seed in numbers}
    names = [*(member.name for member in members), *single]
    _check_names(names)
    made = [place.relative_to(folder) / name for place in places.values() for name in names]
    check_free(folder, map(str, made))

    def trained(own: RunConfig, seed: int, name: str, label: str) -> Trained:
        """Trains one network from one seed."""
        made = callbacks(f"{label}, seed {seed}" if seeds > 1 else label)
        own = own.model_copy(update={"seed": seed})
        place = places[seed] / name
        return Trained(run(own, place, callbacks=made, problem=problem), place)

    found: dict[str, list[Trained]] = {name: [] for name in names}
    for seed in numbers:
        for name, own in joint.items():
            found[name].append(trained(own, seed, name, name))
        for task in tasks:
            name = _folder(task)
            found[name].append(trained(single[name], seed, name, f"{task} alone"))
    comparison = comparison_of(
        MemberRuns(SINGLE, {task: found[_folder(task)] for task in tasks}),
        [MemberRuns(member, {ALL: found[member.name]}) for member in members],
        tasks,
        folder,
        seeds=numbers,
        title=title,
        note=_note(config, list(joint.values()), numbers),
    )
    write_comparison(folder, comparison)
    return comparison


def _folder(task: str) -> str:
    return f"single-{task}"


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two runs would be named {twice[0]!r}. Give each member its own name.")


def _note(config: RunConfig, joint: Sequence[RunConfig], seeds: Sequence[int]) -> str:
    """Returns the conditions of the comparison, in sentences."""
    which = f"Seed {seeds[0]}" if len(seeds) == 1 else f"Seeds {', '.join(map(str, seeds))}"
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
