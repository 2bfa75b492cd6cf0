"""Whom the conditioned layers of a trunk serve at the moment: one task, or all by their shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from plait.core.errors import ConfigError


class Active:
    """The pass that is running; a trunk's layers and its owner hold the same one.

    A plain object: a deep copy or a pickle of the owner has one of its own, which its layers share.
    """

    def __init__(self) -> None:
        self._task: str | None = None
        self._shares: Tensor | None = None

    @contextmanager
    def running(self, task: str) -> Iterator[None]:
        """Makes a task the active one for the duration of one pass, whatever happens in it.

        Raises:
            ConfigError: another pass is running, in another thread.
        """
        self._check_idle()
        self._task = task
        try:
            yield
        finally:
            self._task = None

    @contextmanager
    def blending(self, shares: Tensor) -> Iterator[None]:
        """Makes all tasks active, by their shares `[tasks]`, for the duration of one pass.

        Raises:
            ConfigError: another pass is running, in another thread.
        """
        self._check_idle()
        self._shares = shares
        try:
            yield
        finally:
            self._shares = None

    @property
    def task(self) -> str:
        """The active task.

        Raises:
            ConfigError: there is none.
        """
        if self._task is None:
            raise _outside("a task")
        return self._task

    @property
    def shares(self) -> Tensor:
        """The shares of all tasks, `[tasks]`.

        Raises:
            ConfigError: there are none.
        """
        if self._shares is None:
            raise _outside("all tasks")
        return self._shares

    def _check_idle(self) -> None:
        if self._task is None and self._shares is None:
            return
        whom = "all tasks" if self._task is None else f"task {self._task!r}"
        raise ConfigError(
            f"a conditioned trunk makes one pass at a time; one for {whom} is running. Use a copy "
            "of the model in each thread (DistributedDataParallel has one in each process)."
        )


def _outside(whom: str) -> ConfigError:
    return ConfigError(
        f"a layer of a conditioned trunk ran outside of a pass for {whom}. Call the sharing and "
        "not its trunk; layers that run again in the backward pass (activation checkpointing) "
        "cannot be conditioned: leave them out of `scope`."
    )
