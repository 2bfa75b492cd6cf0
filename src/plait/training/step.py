"""One optimizer step: the whole data flow of plait on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.info import Info
from plait.core.batch import Batch
from plait.core.numbers import added
from plait.core.outputs import Outputs, Penalties
from plait.core.reduction import Reduction, label_shares
from plait.core.watched import Watched
from plait.distributed import Ranks, ranks
from plait.distributed.shards import is_sharded
from plait.engine import Backward, Record
from plait.engine.one_pass import takes_one_pass
from plait.engine.wholes import Whole
from plait.gradients import Cut
from plait.model import MultiTaskModel
from plait.training.batch_statistics import average_statistics
from plait.training.device_sums import DeviceSums
from plait.training.losses import BatchLosses, Observe
from plait.training.parallel import check_parts
from plait.training.problem import ModelProblem
from plait.training.reread import Reread, keep_buffers
from plait.training.shared_counts import labels_of, wholes_in


@dataclass(frozen=True)
class StepRecord:
    """The record of one optimizer step.

    `losses`, `terms` and `gradient_norm` stay on the device until they are first asked for, which
    waits for it. The log asks for those of all steps between two writes at once.

    Attributes:
        counts: `{task: mass of the labels}`.
        balance: weights, norms and cosines of the tasks' gradients; None if there were none.
        skipped: why the step was not taken; None if it was.
        watched: `{title: table}` of the health of the model's parts; empty if not asked for.
        shares: `{task: n_t / sum_s n_s}`, by which its loss was multiplied, with the reduction
            "label", in the first of several batches; else empty.
        sums: the numbers that wait on the device.
    """

    counts: Mapping[str, float]
    balance: Record | None
    skipped: str | None = None
    watched: dict[str, Watched] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    sums: DeviceSums = field(default_factory=DeviceSums)

    @property
    def broken(self) -> tuple[str, ...]:
        """The tasks whose loss or gradient is why the step was not taken; see `Record`."""
        return () if self.balance is None else self.balance.broken

    @property
    def losses(self) -> Mapping[str, float]:
        """`{task: L_t}`, the mean over its own labels, before static weights and shares."""
        return self.sums.read().get("loss", {})

    @property
    def terms(self) -> dict[str, tuple[float, float]]:
        """`{penalty: (term, strength x term)}`; empty without penalties."""
        found = self.sums.read()
        raw, scaled = found.get("term", {}), found.get("scaled term", {})
        return {name: (raw[name], scaled[name]) for name in raw}

    @property
    def gradient_norm(self) -> float | None:
        """Length of the whole gradient, before clipping; None for a skipped step."""
        return self.sums.read().get("norm", {}).get("")


def training_step(
    model: MultiTaskModel,
    batches: Sequence[Batch],
    backward: Backward,
    optimizer: torch.optim.Optimizer,
    *,
    info: Info,
    autocast: AbstractContextManager[object],
    device: torch.device,
    clip: float | None = None,
    factors: Mapping[str, float] | None = None,
    reduction: Reduction = "task",
    measure: bool = False,
    watch: bool = False,
    observe: Observe | None = None,
) -> StepRecord:
    """Takes one optimizer step; of several processes, that of their joined batches.

    Args:
        model: the model.
        batches: the micro-batches of the step, at least one; for a method that reads several
            independent batches, those of the first, then those of the second, and so on.
        backward: turns losses into gradients; it has the balancer.
        optimizer: holds every parameter that learns.
        info: epoch, progress and learning rate.
        autocast: the context of the forward passes.
        device: that of the model; batches are copied to it.
        clip: largest length of the whole gradient, above 0; None does not clip.
        factors: `{task: factor of its loss}` of a `LossSchedule`, in [0, 1]; 0 leaves the task out,
            and a task that has none counts in full.
        reduction: "label" multiplies each loss by its task's share of the labels of all micro-
            batches (see `Losses.by_label`); each of several independent batches has its own shares.
        measure: see `Backward.start`.
        watch: whether the record has the tables that show the health of the model's parts.
        observe: see `BatchLosses`.

    Returns:
        The record of the step; its `skipped` says why a step was not taken. One in which no task
        has a label, in each of the independent batches where there are several, is passed over:
        nothing moves, neither parameters nor running statistics nor penalties. A micro-batch
        without a label is left out of its step.

    Raises:
        NonFiniteError: a loss or gradient is not finite; no parameter has changed, and no state of
            the optimizer.
    """
    balancer, here = backward.balancer, ranks()
    one_pass = takes_one_pass(balancer, backward.options, measure=measure, several=len(batches) > 1)
    joint = one_pass and observe is None and here.alone
    reading = BatchLosses(model, autocast, factors or {}, reduction, observe, joint=joint)
    groups = _groups([reading.select(batch) for batch in batches], balancer.batches, device)
    wholes = wholes_in(groups, model.tasks, here)
    if not _common(wholes):
        return _passed_over(groups, waiting=bool(factors) or len(model.learning) < len(model.tasks))
    given = [batch for group in groups for batch in group]
    check_parts(model, len(given) < len(batches), here)
    totals = wholes[0].counts if len(wholes) == 1 else added(each.counts for each in wholes)
    shares = label_shares(wholes[0].counts) if reduction == "label" else {}
    _forget_gradients(optimizer)
    model.set_progress(info.progress)
    info = info if len(given) == 1 else replace(info, tasks=tuple(totals))
    counts = None if here.alone else [[batch.counts for batch in group] for group in groups]
    backward.start(info, measure=measure, counts=counts, wholes=wholes)
    give_back = keep_buffers(model) if backward.options.nonfinite == "skip" else None
    again = partial(reading.joined, given, totals, here)
    reread = partial(Reread(model, device), again) if balancer.rereads else None
    problem = None
    if isinstance(balancer, BilevelBalancer):
        first, ahead = (next(iter(group), None) for group in groups)  # None: others have examples
        labels = [whole.counts for whole in wholes]
        problem = ModelProblem(model, first, ahead, optimizer, autocast, reduction, labels)
        groups = groups[:1]
    sums = DeviceSums()
    outputs = _differentiate(reading, groups, wholes[: len(groups)], backward, problem, sums)
    sums.add_up(here, totals, backward.memory.terms, device)
    balance = backward.finish()
    if balance.skipped is not None:
        if give_back is not None:
            give_back()
        return StepRecord(totals, balance, balance.skipped, shares=shares, sums=sums)
    sums.add(("norm", ""), _clip(model, optimizer, balance, clip))
    optimizer.step()
    model.after_step(optimizer)
    average_statistics(model, here)
    balancer.after_step(reread)
    watched = model.watched(outputs) if watch else {}
    return StepRecord(totals, balance, watched=watched, shares=shares, sums=sums)


def _differentiate(
    reading: BatchLosses,
    groups: Sequence[Sequence[Batch]],
    wholes: Sequence[Whole],
    backward: Backward,
    problem: ModelProblem | None,
    sums: DeviceSums,
) -> list[Outputs]:
    """Adds every micro-batch to the step, and losses and penalties to `sums`.

    Where several independent batches are read, the penalties are those of the last one.

    Args:
        groups: the micro-batches of this process, for each independent batch.
        wholes: what each independent batch has in all processes.

    Returns:
        The outputs of the last micro-batch.
    """
    totals, here = added(whole.counts for whole in wholes), ranks()
    apart = sum(map(len, groups)) > 1 or not here.alone
    outputs: list[Outputs] = []
    for position, (group, whole) in enumerate(zip(groups, wholes, strict=True)):
        labels, last = labels_of(group), group is groups[-1]
        for batch in group:
            cut = Cut() if backward.options.at == "features" else None
            outputs, losses = reading(batch, cut, counts=whole.counts if apart else None)
            penalty = Penalties()
            if last:
                # the engine takes the mean over the processes
                share = here.size * batch.examples / whole.examples if whole.examples else 1.0
                penalty = reading.penalty(outputs, share=share, parameters=batch is group[-1])
            shares = None
            if len(group) > 1:
                shares = {task: n / labels[task] for task, n in losses.counts.items()}
            backward.add(
                losses, shares, penalty=penalty, batch=position, features=cut, problem=problem
            )
            parts = {task: n / totals[task] for task, n in losses.counts.items()} if apart else None
            sums.add_losses(losses, parts)
            _add_terms(sums, penalty, here)
        if last and not group:  # all examples are in the parts of other processes
            penalty = reading.penalty([])
            backward.add({}, penalty=penalty, batch=position, problem=problem)
            _add_terms(sums, penalty, here)
    return outputs


def _add_terms(sums: DeviceSums, penalty: Penalties, here: Ranks) -> None:
    for name, term in penalty.items():
        sums.add(("term", name), penalty.raw[name], 1 / here.size)
        sums.add(("scaled term", name), term, 1 / here.size)


def _groups(batches: Sequence[Batch], count: int, device: torch.device) -> list[Sequence[Batch]]:
    """Returns the micro-batches of each independent batch, without those that have no label."""
    size = len(batches) // count
    starts = range(0, size * count, size)
    groups = [[each for each in batches[start : start + size] if each.parts] for start in starts]
    return [[batch.to(device) for batch in group] for group in groups]


def _common(wholes: Sequence[Whole]) -> AbstractSet[str]:
    """Returns the tasks with a label in every independent batch: nothing is learned without one."""
    first, *others = (whole.counts for whole in wholes)
    return first.keys() & set.intersection(*map(set, others)) if others else first.keys()


def _passed_over(groups: Sequence[Sequence[Batch]], *, waiting: bool) -> StepRecord:
    """Returns the record of a step without labels, of tasks that count yet where some wait."""
    which = "task that counts yet" if waiting else "task"
    several = f"each of the {len(groups)} batches of this step"
    where = "this step" if len(groups) == 1 else several
    return StepRecord({}, None, f"no {which} has a label in {where}")


def _forget_gradients(optimizer: torch.optim.Optimizer) -> None:
    """Does what `zero_grad` does, without torch's frames for profiler and compiler."""
    if type(optimizer).zero_grad is not torch.optim.Optimizer.zero_grad:
        optimizer.zero_grad(set_to_none=True)
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def _clip(
    model: MultiTaskModel, optimizer: torch.optim.Optimizer, balance: Record, most: float | None
) -> Tensor:
    """Shortens the whole gradient to `most`, unless that is None; returns its length before."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = balance.gradient_norm(parameters)
    if most is not None:
        each = False if is_sharded(model) else None  # torch takes no mixture of parts and wholes
        torch.nn.utils.clip_grads_with_norm_(parameters, most, norm, foreach=each)
    return norm
