"""A protocol of the model: freezing and transfer need no more of it, and so not its class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch import nn

from plait.regularization.base import Regularizer
from plait.sharing.base import Sharing
from plait.tasks.base import BaseTask


class Parts(Protocol):
    """A model's tasks, its parts, and what every module of torch offers."""

    @property
    def tasks(self) -> Mapping[str, BaseTask]:
        """`{name: task}`, in order."""

    @property
    def sharing(self) -> Sharing:
        """From the inputs to each task's features."""

    @property
    def input_signature(self) -> Any:
        """`signature` of the inputs."""

    @property
    def seed(self) -> int:
        """Of the heads and of what the sharing adds."""

    @property
    def heads(self) -> nn.ModuleDict:
        """`{key of a task: head}`, in order."""

    @property
    def connections(self) -> nn.ModuleList:
        """The connections, in the order in which they act; empty without any."""

    @property
    def regularization(self) -> nn.ModuleList:
        """The regularizers, in order; empty without any."""

    @property
    def regularizers(self) -> list[Regularizer]:
        """The same regularizers, by their type."""

    def modules(self) -> Iterator[nn.Module]:
        """As in `nn.Module`."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """As in `nn.Module`."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """As in `nn.Module`."""

    def get_submodule(self, target: str) -> nn.Module:
        """As in `nn.Module`."""

    def state_dict(self) -> dict[str, Any]:
        """As in `nn.Module`."""
