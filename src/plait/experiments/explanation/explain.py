"""Explains a configuration before it is trained: shared parameters, ties and a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

from torch import nn

from plait.balancing.contract.info import Info
from plait.connections import Connection, PenaltyConnection, StageConnection
from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.engine.processes import way_of
from plait.experiments.build import Job, Problem, build_job
from plait.experiments.build.first_batches import first_batches
from plait.experiments.config import RunConfig
from plait.experiments.explanation.by_module import DEPTH, ModuleRow, by_module, by_tasks
from plait.experiments.explanation.reached import Reached, reached
from plait.model import MultiTaskModel
from plait.regularization.base import ParameterRegularizer
from plait.runs.diagnosis import SharedBy
from plait.training.parallel import PARTED, units_of
from plait.training.step import StepRecord, training_step
from plait.training.trainer import Trainer
from plait.training.windows import windows

NOWHERE = Path("no-run")  # the folder of a run that writes nothing


@dataclass(frozen=True)
class Tie:
    """A regularizer: what it ties, and how.

    Attributes:
        name: its class.
        mode: "loss" (a term of the objective) or "prox" (after each step).
        strength: lambda.
        tasks: those whose networks it ties; empty where it ties none.
        parameters: how many numbers it acts on.
    """

    name: str
    mode: str
    strength: float
    tasks: list[str]
    parameters: int


@dataclass(frozen=True)
class Link:
    """A connection between the tasks' networks.

    Attributes:
        name: its class.
        acts: "between stages", "at features or predictions", or "by a penalty".
        edges: pairs (source, target).
    """

    name: str
    acts: str
    edges: list[tuple[str, str]]


@dataclass(frozen=True)
class Explanation:
    """Explains a configuration.

    Attributes:
        tasks: in the order of the model.
        unlabelled: those without a label in the batches that were looked at.
        sharing: its class.
        modules: the parameters by module.
        totals: the trained parameters by the set of tasks that they serve.
        parameters: how many numbers there are, the frozen ones among them.
        frozen: how many are kept as they are.
        ties: the regularizers.
        links: the connections.
        balancer: its class.
        learned: weights that it learns.
        passes: backward passes of a step of T tasks, in words.
        tasks_in_step: T, of the step that was tried.
        batches: those that a step reads, with `accumulate`.
        every: steps that weights serve.
        heads: how many of many heads are one block of the optimizer; empty for few.
        processes: how several processes would take a step; "" if they cannot.
        summed: bytes that each of them would give to be summed in a step.
        rows: bytes of memory for a row of each task, there; in parts, in all of them together.
        gathered: bytes of parts that are gathered and scattered, with ``parallel="shard"``.
    """

    tasks: list[str]
    unlabelled: list[str]
    sharing: str
    modules: list[ModuleRow]
    totals: list[SharedBy]
    parameters: int
    frozen: int
    ties: list[Tie]
    links: list[Link]
    balancer: str
    learned: int
    passes: str
    tasks_in_step: int
    batches: int
    every: int
    heads: list[str]
    processes: str = ""
    summed: int = 0
    rows: int = 0
    gathered: int = 0


def explain(
    config: RunConfig, *, depth: int = DEPTH, problem: Problem | None = None
) -> Explanation:
    """Builds what a configuration says, takes one step with it, and says what was seen.

    Nothing is written, and nothing of the test split is read.

    Args:
        config: the settings.
        depth: see `by_module`.
        problem: the data, if they were opened before.

    Raises:
        ConfigError: settings that make no sense.
        DataError: data that are missing or break their rules.
    """
    job = build_job(config, NOWHERE, problem=problem)
    trainer = job.trainer
    model = trainer.model.train()
    looked, stepped = tee(first_batches(job))
    found = reached(model, looked)
    with trainer.heads:
        record = _one_step(job, stepped)
    balance = record.balance
    sizes = [parameter.numel() for parameter in model.parameters()]
    totals, count = by_tasks(model, found.tasks), 0 if balance is None else len(balance.tasks)
    way = way_of(trainer.balancer, trainer.backward.options)
    size = next(model.parameters()).element_size()
    shared = sum(each.parameters for each in totals if len(each.tasks) > 1) * size
    own = sum(each.parameters for each in totals if len(each.tasks) == 1) * size
    rows = count * shared if way == "rows" else 0
    parted = size * _parted(trainer)
    passes = count if way == "rows" else 1
    return Explanation(
        tasks=list(model.tasks),
        unlabelled=[task for task in model.learning if task not in found.labelled],
        sharing=type(model.sharing).__name__,
        modules=by_module(model, found.tasks, depth),
        totals=totals,
        parameters=sum(sizes),
        frozen=sum(p.numel() for p in model.parameters() if not p.requires_grad),
        ties=list(_ties(model, found)),
        links=[_link(each) for each in model.flow.connections.all],
        balancer=type(trainer.balancer).__name__,
        learned=sum(p.numel() for p in trainer.balancer.parameters() if p.requires_grad),
        passes="" if balance is None else balance.passes,
        tasks_in_step=count,
        batches=trainer.options.accumulate * trainer.balancer.batches,
        every=trainer.backward.options.every,
        heads=trainer.heads.lines,
        processes=way,
        summed=passes * (shared - parted) + own if way else 0,
        rows=rows,
        gathered=(1 + 2 * passes) * parted if way else 0,
    )


def _parted(trainer: Trainer) -> int:
    """Counts the parameters of which several processes would hold parts."""
    if trainer.options.parallel not in PARTED:
        return 0
    modules = nn.ModuleList(units_of(trainer.model))
    return sum(each.numel() for each in modules.parameters() if each.requires_grad)


def _one_step(job: Job, batches: Iterator[Batch]) -> StepRecord:
    """Takes one step of the training."""
    trainer = job.trainer
    for window in windows(batches, trainer.options.accumulate, trainer.balancer):
        return training_step(
            trainer.model,
            window,
            trainer.backward,
            trainer.optimizer,
            info=Info((), epoch=0, learning_rate=float(trainer.optimizer.param_groups[0]["lr"])),
            autocast=nullcontext(),
            device=trainer.device,
            reduction=trainer.options.reduction,
        )
    raise DataError("the training data have no batch. Check the split.")


def _ties(model: MultiTaskModel, found: Reached) -> Iterator[Tie]:
    """Yields the regularizers; what one reads of the parameters is asked of it, or of its term."""
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    for each in model.regularizers:
        if isinstance(each, ParameterRegularizer):
            mode, count = each.mode, sum(p.numel() for group in each.groups for p in group)
            tasks = [task for task in each.tasks if task in model.tasks]
        else:
            mode, tasks = "loss", list(model.tasks) if each.ties else []
            count = sum(sizes[name] for name in _own_term(type(each).__name__, found.penalties))
        yield Tie(type(each).__name__, mode, each.strength, tasks, count)


def _own_term(name: str, penalties: Mapping[str, list[str]]) -> set[str]:
    """Returns the names of the parameters behind the terms that begin with a name."""
    terms = [term for term in penalties if term.startswith(name)]
    return {parameter for term in terms for parameter in penalties[term]}


def _link(connection: Connection) -> Link:
    acts = "at features or predictions"
    if isinstance(connection, StageConnection):
        acts = "between stages"
    elif isinstance(connection, PenaltyConnection):
        acts = "by a penalty"
    return Link(type(connection).__name__, acts, list(connection.links))
