"""The progress of a training, told to every scheduled part of a module."""

from torch import nn

from plait.networks.scheduled import scheduled_in


def set_progress(module: nn.Module, progress: float) -> None:
    for part in scheduled_in(module):
        part.set_progress(progress)
