"""Whether a step is to take the route by labels, and its plan."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from plait.core.errors import ConfigError, PlaitWarning
from plait.core.outputs import Losses
from plait.engine.gathered import Gathered
from plait.engine.labels import EXAMPLE, check_labels, refusal_of
from plait.engine.micro_batch import MicroBatch, TaskLosses
from plait.engine.options import reads_one_gramian
from plait.engine.passes import reached
from plait.gradients import LabelGradients, LabelPlan, LayerPlan, Refusal, TaskGraph

SMALL = 1 << 15  # T x P: rows of so few numbers cost less than any plan
FEW = 3  # tasks: of fewer, a pass by label saves too little
MOST = 0.7  # of the T passes, from which on the others are hardly more
Gains = Callable[[LabelPlan, TaskLosses], bool]  # whether a plan takes fewest operations
GAIN = 0.8  # of the operations of the best other route: near a tie, rows are as fast


def label_plan_of(step: Gathered, micro: MicroBatch) -> LabelPlan | None:
    """Returns the plan by labels if the Gramian is to be formed from it, else None.

    Raises:
        ConfigError: it is asked for, and the labels are not known, or the graph forbids it.
    """
    if micro.shares is not None:
        return None
    return _plan(step, micro, micro.losses, _gains)


def label_rows_of(step: Gathered, micro: MicroBatch, losses: TaskLosses) -> LabelPlan | None:
    """Returns the plan by labels if rows are to be formed from it, else None.

    Args:
        step: see `Gathered`.
        micro: the micro-batch.
        losses: its `counted` ones, of which the rows are.

    Raises:
        ConfigError: as in `label_plan_of`.
    """
    if reads_one_gramian(step.balancer) and micro.shares is None:
        return None  # then `label_plan_of` has answered
    return _plan(step, micro, losses, _gains_rows)


def _plan(step: Gathered, micro: MicroBatch, losses: TaskLosses, gains: Gains) -> LabelPlan | None:
    route = step.options.route
    if route == "auto":
        return _cheaper(step, micro, losses, gains)
    if route != "labels":
        return None
    labels = _labels_of(micro)
    if len(next(iter(labels.values()))) < 2:
        return None  # of one example there is nothing to split
    found = _planned(step, micro, losses, labels)
    if isinstance(found, Refusal):
        raise refusal_of(found, step.model)
    return found


def _cheaper(
    step: Gathered, micro: MicroBatch, losses: TaskLosses, gains: Gains
) -> LabelPlan | None:
    """Returns the plan by labels if it is known to take less than any other route."""
    tasks = len(losses)
    if tasks < FEW or tasks * sum(p.numel() for p in micro.candidates) < SMALL:
        return None
    patience = step.memory.by_labels
    if not patience.asks():
        return None
    labels = _sparse(micro)
    if labels is None:
        return None
    plan = _possible(step, micro, losses, labels)
    taken = plan is not None and gains(plan, losses)
    patience.learn(taken)
    return plan if taken else None


def _sparse(micro: MicroBatch) -> Mapping[str, Tensor] | None:
    """Returns `{task: mask [B]}` of the labels; None if not known, or known to be most of all."""
    if micro.labels is not None:
        return micro.labels
    known = micro.losses.labelled if isinstance(micro.losses, Losses) else None
    return None if known is None or known.share > MOST else known.masks()


def _possible(
    step: Gathered, micro: MicroBatch, losses: TaskLosses, labels: Mapping[str, Tensor]
) -> LabelPlan | None:
    """Returns a plan, if the graph allows it and there are few passes."""
    if len({len(mask) for mask in labels.values()}) > 1:
        return None  # such as labels of nodes and of whole graphs
    masks = torch.stack(list(labels.values()))
    if masks.shape[1] < 2 or int(masks.sum(0).max()) > MOST * len(losses):
        return None
    plan = _planned(step, micro, losses, labels)
    return None if isinstance(plan, Refusal) else plan


def _gains(plan: LabelPlan, losses: TaskLosses) -> bool:
    """Returns whether the Gramian takes less by labels than by rows and by layers."""
    passes = len(losses) * plan.half
    if plan.operations < GAIN * passes:  # whatever the others take besides, which the graph tells
        return True
    others = LayerPlan.of(losses, plan.shared).operations.values()
    return plan.operations < GAIN * (passes + min(others))


def _gains_rows(plan: LabelPlan, losses: TaskLosses) -> bool:
    """Returns whether rows take less by labels than by a pass for each task."""
    return plan.row_operations < GAIN * 2 * len(losses) * plan.half


def _labels_of(micro: MicroBatch) -> Mapping[str, Tensor]:
    """Returns `{task: mask [B]}` of the labels, as the caller says it or the model knows it."""
    if micro.labels is not None:
        return micro.labels
    if not isinstance(micro.losses, Losses):
        raise ConfigError(
            f"`route='labels'` needs to know which examples have labels. Give {EXAMPLE}."
        )
    if micro.losses.labelled is None:
        raise ConfigError(
            "`route='labels'` needs one input that all tasks read; found inputs that differ by "
            "task, or examples of several sources in one step. Use route='auto'."
        )
    return check_labels(micro.losses.labelled.masks(), micro.losses)


def _planned(
    step: Gathered, micro: MicroBatch, losses: TaskLosses, labels: Mapping[str, Tensor]
) -> LabelPlan | Refusal:
    graph = TaskGraph(losses)
    shared, own = reached(step, graph.reached(), [*micro.candidates, *micro.others])
    if step.heads_by_task and any(
        len(tasks) > 1 and id(parameter) not in step.others for parameter, tasks in own
    ):
        return Refusal("", "several tasks reach a parameter that `shared` does not name")
    if step.balancer.batches > 1 and any(len(tasks) > 1 for _, tasks in own):
        return Refusal("", "several tasks reach a tensor that is not compared, in several batches")
    return LabelPlan.of(losses, labels, shared, own, graph)


def split_by_label(
    step: Gathered, micro: MicroBatch, plan: LabelPlan, losses: TaskLosses
) -> LabelGradients | None:
    """Differentiates by a plan; None where a mask does not hold, and the graph is still whole.

    Raises:
        ConfigError: a mask does not hold, and the route was asked for.
    """
    found = plan.run(losses, retain=step.retain_graph)
    if not isinstance(found, Refusal):
        return found
    if step.options.route == "labels":
        raise refusal_of(found, step.model)
    if micro.labels is not None:
        text = f"Rows are formed, not gradients by label: {found.why}."
        warnings.warn(text, PlaitWarning, stacklevel=7)
    step.memory.by_labels.learn(False)
    return None


def passes_by_label(plan: LabelPlan) -> str:
    """Returns the backward passes of a step, in words."""
    if plan.by_row:
        return "1 through the heads, then 1 half one with a row for each label"
    halves = "half one" if plan.passes == 1 else "half ones"
    return f"1 through the heads, then {plan.passes} {halves}, as many as an example has labels"
