"""When a learning-rate scheduler of torch steps."""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau


def advance(scheduler: Any, score: float | None = None) -> None:
    """Steps a scheduler if it is due: `ReduceLROnPlateau` by evaluations, any other by steps.

    Args:
        scheduler: of `torch.optim.lr_scheduler`; None does nothing.
        score: of an evaluation, higher is better; None after an optimizer step. A scheduler with
            ``mode="min"`` is given minus the score.
    """
    if isinstance(scheduler, ReduceLROnPlateau):
        if score is not None:
            scheduler.step(-score if scheduler.mode == "min" else score)
    elif scheduler is not None and score is None:
        scheduler.step()
