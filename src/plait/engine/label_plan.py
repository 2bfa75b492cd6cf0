"""Whether a step is to take the route by labels, and its plan."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.outputs import Losses
from plait.engine.gathered import Gathered
from plait.engine.labels import EXAMPLE, check_labels, refusal_of
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import reached
from plait.gradients import LabelPlan, LayerPlan, Ranks, Refusal

SMALL = 1 << 15  # T x P: rows of so few numbers cost less than any plan
FEW = 3  # tasks: of fewer, a pass by label saves too little
MOST = 0.7  # of the T passes, from which on the others are hardly more
GAIN = 0.8  # of the operations of the best other route: near a tie, rows are as fast


def label_plan_of(step: Gathered, micro: MicroBatch) -> LabelPlan | None:
    """Returns the plan by labels if this route is to be taken, else None.

    Raises:
        ConfigError: it is asked for, and the labels are not known, or the graph forbids it.
    """
    route = step.options.route
    if micro.shares is not None or route not in ("labels", "auto"):
        return None
    if route == "auto":
        return _cheaper(step, micro)
    labels = _labels_of(micro)
    if len(next(iter(labels.values()))) < 2:
        return None  # of one example there is nothing to split
    found = _planned(step, micro, labels)
    if isinstance(found, Refusal):
        raise refusal_of(found, step.model)
    return found


def _cheaper(step: Gathered, micro: MicroBatch) -> LabelPlan | None:
    """Returns the plan by labels if it is known to take less than any other route."""
    tasks = len(micro.losses)
    if tasks < FEW or tasks * sum(p.numel() for p in micro.candidates) < SMALL:
        return None
    patience = step.memory.by_labels
    if not patience.asks():
        return None
    labels = _sparse(micro)
    plan = None if labels is None else _gaining(step, micro, labels)
    if labels is not None:
        patience.learn(plan is not None)
    return plan


def _sparse(micro: MicroBatch) -> Mapping[str, Tensor] | None:
    """Returns which examples have a label, unless it is not known, or is known to be most."""
    if micro.labels is not None:
        return micro.labels
    known = micro.losses.labelled if isinstance(micro.losses, Losses) else None
    return None if known is None or known.share > MOST else known.masks()


def _gaining(step: Gathered, micro: MicroBatch, labels: Mapping[str, Tensor]) -> LabelPlan | None:
    """Returns a plan, if the graph allows it and it takes less than any other route."""
    if len({len(mask) for mask in labels.values()}) > 1:
        return None  # such as labels of nodes and of whole graphs
    tasks, ranks = len(micro.losses), Ranks.of(labels)
    if ranks.examples < 2 or ranks.passes > MOST * tasks:
        return None
    plan = _planned(step, micro, labels)
    if isinstance(plan, Refusal):
        return None
    others = LayerPlan.of(micro.losses, plan.shared).operations.values()
    least = tasks * plan.half + min(others)
    return plan if plan.operations < GAIN * least else None


def _labels_of(micro: MicroBatch) -> Mapping[str, Tensor]:
    """Returns which examples have a label, as the caller says it or the model knows it."""
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
    step: Gathered, micro: MicroBatch, labels: Mapping[str, Tensor]
) -> LabelPlan | Refusal:
    shared, own = reached(step, micro.losses, [*micro.candidates, *micro.others])
    if step.heads_by_task and any(
        len(tasks) > 1 and id(parameter) not in step.others for parameter, tasks in own
    ):
        return Refusal("", "several tasks reach a parameter that `shared` does not name")
    return LabelPlan.of(micro.losses, labels, shared, own)
