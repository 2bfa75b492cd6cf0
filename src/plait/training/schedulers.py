"""The learning rates: when a scheduler of torch steps, and how it is resumed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from plait.core.annotations import shown
from plait.core.errors import ConfigError
from plait.training.settings import Settings, described

MakeScheduler = Callable[[torch.optim.Optimizer], Any]

ASIDE = ("params", "foreach")  # of a group: no options of the method
POSITION = ("last_epoch", "_step_count", "_last_lr")  # in a scheduler's state, beside its options


class Rates:
    """The optimizer's learning rates over a training.

    Args:
        optimizer: the optimizer, before its first step.
        scheduler: makes a scheduler of `torch.optim.lr_scheduler` for it; None keeps the rates.
        epochs: of the whole training, which the scheduler may have been made for.

    Attributes:
        optimizer: the optimizer.
        scheduler: what was made; None without one.

    Raises:
        ConfigError: `scheduler` is no function of an optimizer alone, or makes what has no `step`.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, scheduler: MakeScheduler | None, epochs: int
    ) -> None:
        self.optimizer = optimizer
        self._groups = _described(optimizer)
        self._epochs = epochs
        self.scheduler: Any = _made(scheduler, optimizer)
        self._steps = 0
        self._first = [_options(group) for group in optimizer.param_groups]
        self._fresh = copy.deepcopy(self.state_dict()["scheduler"])

    def settings(self) -> Settings:
        """Returns the options of the optimizer's groups, and of the scheduler, as first made."""
        fresh = described(self._fresh or {})
        return {
            "optimizer": self._groups,
            "scheduler": {name: fresh[name] for name in fresh if name not in POSITION},
        }

    def check(self, steps_per_epoch: int | None) -> None:
        """Refuses a scheduler that ends before the training does.

        Args:
            steps_per_epoch: optimizer steps in each; None if it is unknown.

        Raises:
            ConfigError: its `total_steps` are fewer than those of all epochs.
        """
        total = getattr(self.scheduler, "total_steps", None)
        steps = self._epochs * (steps_per_epoch or 0)
        if isinstance(total, int) and steps > total:
            raise ConfigError(
                f"{type(self.scheduler).__name__} must have the steps of the whole training, "
                f"{self._epochs} epochs x {steps_per_epoch} = {steps}; found total_steps={total}. "
                f"Make it with total_steps={steps}."
            )

    def advance(self, score: float | None = None) -> None:
        """Steps the scheduler if it is due: `ReduceLROnPlateau` by evaluations, others by steps.

        Args:
            score: of an evaluation, higher is better; None after an optimizer step. A scheduler
                with ``mode="min"`` is given minus the score.

        Raises:
            ConfigError: the scheduler was made for fewer steps.
        """
        self._steps += score is None
        if isinstance(self.scheduler, ReduceLROnPlateau):
            if score is not None:
                self.scheduler.step(-score if self.scheduler.mode == "min" else score)
        elif self.scheduler is not None and score is None:
            try:
                self.scheduler.step()
            except ValueError as error:  # of one that has come to its end
                raise ConfigError(
                    f"{type(self.scheduler).__name__} cannot take step {self._steps}: {error}. "
                    "Make it for the steps of the whole training."
                ) from None

    def state_dict(self) -> dict[str, Any]:
        """Returns the scheduler's state, and for how many epochs it was made."""
        state = None if self.scheduler is None else self.scheduler.state_dict()
        return {"epochs": self._epochs, "steps": self._steps, "scheduler": state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Takes the state over from a `state_dict`; the optimizer has to have its own before.

        Of a training of another length, the scheduler is stepped anew from the first step to the
        one that was reached: the rates are those of this length from here on. `ReduceLROnPlateau`,
        which follows the scores and no length, goes on.
        """
        self._steps = saved["steps"]
        follows = isinstance(self.scheduler, ReduceLROnPlateau)
        if saved["epochs"] != self._epochs and not follows:
            self._replay()
        elif self.scheduler is not None:
            self.scheduler.load_state_dict(saved["scheduler"])

    def _replay(self) -> None:
        for group, first in zip(self.optimizer.param_groups, self._first, strict=True):
            group.update(copy.deepcopy(first))
        if self.scheduler is None:
            return
        self.scheduler.load_state_dict(copy.deepcopy(self._fresh))
        with warnings.catch_warnings():  # torch asks for a step of the optimizer before each
            warnings.simplefilter("ignore", UserWarning)
            for _ in range(self._steps):
                self.scheduler.step()


def _made(scheduler: MakeScheduler | None, optimizer: torch.optim.Optimizer) -> Any:
    """Makes the scheduler of an optimizer; None of None."""
    if scheduler is None:
        return None
    try:
        made = scheduler(optimizer)
    except TypeError as error:
        found = f"calling it fails: {error}"
    else:
        if callable(getattr(made, "step", None)) and not isinstance(made, torch.optim.Optimizer):
            return made
        found = f"it has made {shown(made)}"
    raise ConfigError(
        "`scheduler` must be a function of the optimizer, such as `lambda optimizer: "
        f"CosineAnnealingLR(optimizer, T_max=100)`; {found}."
    )


def _described(optimizer: torch.optim.Optimizer) -> list[Settings]:
    """Describes the options of each group, before a scheduler changes them."""
    return [
        {
            **{key: described(value) for key, value in group.items() if key not in ASIDE},
            # one that has already trained begins again at the rate that its scheduler began with
            "lr": described(group.get("initial_lr", group["lr"])),
        }
        for group in optimizer.param_groups
    ]


def _options(group: dict[str, Any]) -> dict[str, Any]:
    return {key: copy.deepcopy(value) for key, value in group.items() if key != "params"}
