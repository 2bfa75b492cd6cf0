"""Did joint training help? Joint networks against one single-task network for each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plait.core.errors import ConfigError
from plait.evaluation import changes, delta_m
from plait.evaluation.evaluate import Scores
from plait.experiments.build import Problem, open_problem
from plait.experiments.config import Method, RunConfig, validate
from plait.experiments.members import JOINT, Member
from plait.experiments.overrides import merge
from plait.experiments.run import Result, run
from plait.runs.comparison import (
    Comparison,
    MemberResult,
    MetricRow,
    SingleResult,
    write_comparison,
)
from plait.runs.folder import check_free
from plait.tasks import BaseTask
from plait.tasks.metrics import direction
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
    if seeds < 1:
        raise ConfigError(f"`seeds` must be at least 1; found {seeds}.")
    if not members:
        raise ConfigError("a comparison needs at least one member; found none.")
    problem = open_problem(config)
    tasks = {task.name: task for task in problem.tasks(config.tasks)}
    single = {task: f"single-{task}" for task in tasks}
    names = [*(member.name for member in members), *single.values()]
    _check_names(names)
    configs = {
        member.name: validate(merge(config.described(), member.settings)) for member in members
    }
    numbers = range(config.seed, config.seed + seeds)
    trained = [_Seed(number, f"seed-{number}" if seeds > 1 else "") for number in numbers]
    check_free(folder, [str(Path(seed.folder, name)) for seed in trained for name in names])
    for seed in trained:
        for name, own in configs.items():
            made = callbacks(seed.label(name))
            seed.joint[name] = seed.run(own, problem, folder / seed.folder / name, made)
        for task, name in single.items():
            made = callbacks(seed.label(f"{task} alone"))
            own = alone(config, task)
            seed.single[task] = seed.run(own, problem, folder / seed.folder / name, made)
    comparison = Comparison(
        title=title,
        note=_note(config, list(configs.values()), trained),
        seeds=[seed.seed for seed in trained],
        members=[_member(member, tasks, trained, folder) for member in members],
        single={task: _single(task, trained, folder) for task in tasks},
        rows=_rows(tasks, list(configs), trained),
    )
    write_comparison(folder, comparison)
    return comparison


def alone(config: RunConfig, task: str) -> RunConfig:
    """Returns the settings of a single-task run; a rule on another task's metric becomes skill."""
    other = config.rule.rpartition("/")[0] not in ("", task)
    changed = {
        "tasks": [task],
        "weights": {},
        "balancing": Method.model_validate("Equal"),
        "sharing": Method.model_validate("Hard"),
        "regularization": None,
        "connections": None,
        "start_from": [],
        "freeze": [],
        "rule": "skill" if other else config.rule,
    }
    return config.model_copy(update=changed)


@dataclass(frozen=True)
class _Seed:
    """All runs of one seed: `joint` by member, `single` by task; `folder` is "" for a lone seed."""

    seed: int
    folder: str
    joint: dict[str, Result] = field(default_factory=dict)
    single: dict[str, Result] = field(default_factory=dict)

    def run(
        self, config: RunConfig, problem: Problem, folder: Path, callbacks: Sequence[Callback]
    ) -> Result:
        """Trains one network from this seed."""
        own = config.model_copy(update={"seed": self.seed})
        return run(own, folder, callbacks=callbacks, problem=problem)

    def label(self, name: str) -> str:
        """Returns the name of a run, with its seed where there are several."""
        return f"{name}, seed {self.seed}" if self.folder else name

    @property
    def scores(self) -> Scores:
        """Test metrics of each task's own network, `{task: {metric: value}}`."""
        return {task: result.test.metrics[task] for task, result in self.single.items()}

    def gains(self, tasks: Mapping[str, BaseTask], member: str) -> Scores:
        """Returns the changes of a member against the single-task networks."""
        return changes(tasks, self.joint[member].test.metrics, self.scores)


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two runs would be named {twice[0]!r}. Give each member its own name.")


def _rows(
    tasks: Mapping[str, BaseTask], members: Sequence[str], trained: Sequence[_Seed]
) -> list[MetricRow]:
    gains = {name: [seed.gains(tasks, name) for seed in trained] for name in members}
    return [
        MetricRow(
            task=name,
            metric=metric,
            higher_is_better=direction(f"{name}/{metric}", made),
            trivial=[seed.single[name].test.trivial[name][metric] for seed in trained],
            single=[seed.scores[name][metric] for seed in trained],
            joint={m: [s.joint[m].test.metrics[name][metric] for s in trained] for m in members},
            changes={m: [gain[name][metric] for gain in gains[m]] for m in members},
        )
        for name, task in tasks.items()
        for metric, made in task.metric_prototypes.items()
    ]


def _member(
    member: Member, tasks: Mapping[str, BaseTask], trained: Sequence[_Seed], folder: Path
) -> MemberResult:
    results = [seed.joint[member.name] for seed in trained]
    return MemberResult(
        name=member.name,
        title=member.title,
        formula=member.formula,
        folders=[result.folder.relative_to(folder).as_posix() for result in results],
        seconds=[result.seconds for result in results],
        parameters=results[0].parameters,
        delta_m=[delta_m(seed.gains(tasks, member.name)) for seed in trained],
    )


def _single(task: str, trained: Sequence[_Seed], folder: Path) -> SingleResult:
    results = [seed.single[task] for seed in trained]
    return SingleResult(
        folders=[result.folder.relative_to(folder).as_posix() for result in results],
        seconds=[result.seconds for result in results],
        parameters=results[0].parameters,
    )


def _note(config: RunConfig, joint: Sequence[RunConfig], trained: Sequence[_Seed]) -> str:
    """Returns under which conditions the networks were compared."""
    seeds = [str(seed.seed) for seed in trained]
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
