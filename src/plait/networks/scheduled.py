"""Modules that change in the course of the training: temperatures, warm-ups, schedules."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn


class Scheduled(ABC):
    """A module that asks how far the training is.

    What it keeps of the answer is a buffer with a value that is defined before any training, so
    that evaluation is the same in every process and a run resumes to the last bit.
    """

    @abstractmethod
    def set_progress(self, progress: float) -> None:
        """Is told before each optimizer step.

        Args:
            progress: the share of the training that is done, 0..1.
        """


def set_progress(module: nn.Module, progress: float) -> None:
    """Tells every scheduled part of a module how far the training is.

    The Trainer calls it before each step; a loop of your own does as well.
    """
    for part in module.modules():
        if isinstance(part, Scheduled):
            part.set_progress(progress)
