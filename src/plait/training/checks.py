"""Options and models that a balancer cannot go with."""

from __future__ import annotations

from plait.balancing.base import Balancer, BilevelBalancer
from plait.balancing.schedules.loss_schedule import LossSchedule
from plait.core.errors import ConfigError
from plait.core.lookup import parameters
from plait.core.reduction import Reduction
from plait.model import MultiTaskModel


def set_up(
    balancer: Balancer,
    model: MultiTaskModel,
    accumulate: int,
    schedule: LossSchedule | None,
    reduction: Reduction = "task",
) -> Balancer:
    """Tells a method and a schedule the model's tasks, and checks that they can go together.

    Args:
        balancer: the method.
        model: the model, whose tasks may have static weights.
        accumulate: micro-batches in a step, at least 1.
        schedule: when which task's loss counts; None for all of them, always.
        reduction: "label" multiplies the losses, as static weights do.

    Returns:
        The method itself.

    Raises:
        ConfigError: static weights, losses reduced by label, or drawn preferences with a method
            that does not see the scale of a loss; micro-batches, a schedule or complex parameters
            with a bilevel method.
    """
    balancer.setup(tuple(model.tasks))
    name = type(balancer).__name__
    if schedule is not None:
        schedule.setup(tuple(model.tasks))
    weighted = [task.name for task in model.tasks.values() if task.weight != 1.0]
    if balancer.scale_free and weighted:
        way = "Leave it at 1, or use another balancer."
        if "preference" in parameters(type(balancer)):
            way = "Leave it at 1, and give the balancer a `preference` instead."
        raise ConfigError(
            f"task {weighted[0]!r} has a static weight, but {name} goes the same way whatever "
            f"the scale of a loss. {way}"
        )
    if balancer.scale_free and reduction == "label":
        raise ConfigError(
            "`reduction` 'label' multiplies each loss by its share of the labels, but "
            f"{name} goes the same way whatever the scale of a loss. Use 'task', or another "
            "balancer."
        )
    if balancer.scale_free and model.sharing.serves_preferences:
        raise ConfigError(
            f"sharing {type(model.sharing).__name__} multiplies each loss by the share of its task "
            f"in a preference, but {name} goes the same way whatever the scale of a loss. Use "
            "Equal, or another balancer."
        )
    if isinstance(balancer, BilevelBalancer) and any(p.is_complex() for p in model.parameters()):
        raise ConfigError(
            f"{name} looks ahead with real parameters; found complex ones. Keep their real and "
            "imaginary parts in one real parameter, and use `torch.view_as_complex` in `forward`."
        )
    if isinstance(balancer, BilevelBalancer) and (accumulate > 1 or schedule is not None):
        what = "`accumulate`" if accumulate > 1 else "`schedule`"
        raise ConfigError(f"{name} looks ahead from one batch; {what} is not possible with it.")
    return balancer
