"""Training steps of a model with one balancer, on batches that stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch

from plait.balancing.base import Balancer
from plait.balancing.contract.info import Info
from plait.core.batch import Batch
from plait.core.reduction import Reduction
from plait.engine import Backward, Options
from plait.model import MultiTaskModel
from plait.training.checks import set_up
from plait.training.device import autocast
from plait.training.groups import MakeOptimizer, make_optimizer
from plait.training.options import GroupOptions, Precision
from plait.training.step import StepRecord, training_step
from plait.training.windows import steps_per_epoch

if TYPE_CHECKING:
    from plait.training import Trainer


@dataclass(frozen=True)
class StepSettings:
    """The settings of a training that its steps depend on; those of `plait.Trainer`.

    Attributes:
        optimizer: a class of `torch.optim`, or any function of parameter groups.
        groups: learning rate and weight decay.
        engine: the options of `plait.Backward`.
        accumulate: micro-batches in a step.
        reduction: "task" or "label".
        precision: of the forward pass.
        clip: largest length of the gradient; None does not clip.
        measure_every: steps after which the gradients of a loss method are measured; 0 never.
        loading: seconds that the loader takes for a batch, beside the steps.
    """

    optimizer: MakeOptimizer = field(default_factory=lambda: torch.optim.AdamW)
    groups: GroupOptions = field(default_factory=GroupOptions)
    engine: Options = field(default_factory=Options)
    accumulate: int = 1
    reduction: Reduction = "task"
    precision: Precision = "fp32"
    clip: float | None = None
    measure_every: int = 0
    loading: float = 0.0

    @classmethod
    def of(cls, trainer: Trainer, optimizer: MakeOptimizer, groups: GroupOptions) -> StepSettings:
        """Takes the settings of a trainer; what made its optimizer is said beside it."""
        given = trainer.options
        return cls(
            optimizer,
            groups,
            trainer.backward.options,
            given.accumulate,
            given.reduction,
            given.precision,
            given.clip,
            given.measure_every,
        )


class Trial:
    """Takes the steps of a training with one balancer; each call is one step.

    Args:
        model: is trained.
        balancer: a new one.
        batches: of a training; they are taken in turn, again and again.
        settings: of the training.

    Attributes:
        records: of the steps so far.

    Raises:
        PlaitError: the balancer cannot go with the model or the settings.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        balancer: Balancer,
        batches: Sequence[Batch],
        settings: StepSettings,
    ) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.balancer = set_up(balancer, model, settings.accumulate, None, settings.reduction)
        self.balancer.to(self.device)
        steps = steps_per_epoch(len(batches), settings.accumulate, balancer)
        size = settings.accumulate * balancer.batches
        self._windows = [batches[i * size : (i + 1) * size] for i in range(steps)]
        self._settings = settings
        self.backward = Backward(balancer, model, **asdict(settings.engine))
        self.optimizer = make_optimizer(settings.optimizer, model, balancer, settings.groups)
        self.count = 0
        self.last: StepRecord | None = None

    def __call__(self, *, measure: bool = False) -> None:
        """Takes a step.

        Args:
            measure: form the rows for a loss method too.
        """
        settings, window = (
            self._settings,
            self._windows[self.count % len(self._windows)],
        )
        self.count += 1
        self.last = training_step(
            self.model,
            window,
            self.backward,
            self.optimizer,
            info=Info((), epoch=0, learning_rate=settings.groups.lr),
            autocast=autocast(self.device, settings.precision),
            device=self.device,
            clip=settings.clip,
            reduction=settings.reduction,
            measure=measure,
        )
