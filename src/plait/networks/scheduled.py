"""Modules that change in the course of the training: temperatures, warm-ups, schedules."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

from plait.networks.walk import modules_of


class Scheduled(ABC):
    """The base of modules that depend on the progress of the training.

    They keep it in a buffer that has a value before any training, so that evaluation is the same in
    every process and a run resumes to the last bit.
    """

    @abstractmethod
    def set_progress(self, progress: float) -> None:
        """Adapts the module to the progress of the training.

        The Trainer calls it before each optimizer step; a loop of your own does as well.

        Args:
            progress: the share of the training that is done, in [0, 1].
        """


def scheduled_in(module: nn.Module) -> list[Scheduled]:
    """Returns the scheduled modules in `module`, itself included; empty for most networks."""
    return [part for part in modules_of(module) if isinstance(part, Scheduled)]
