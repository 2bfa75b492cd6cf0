"""The task that the conditioned layers of a trunk serve at the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plait.core.errors import ConfigError


class Active:
    """The task of the pass that is running; a trunk's layers and its owner hold the same one.

    A plain object: a deep copy or a pickle of the owner has one of its own, which its layers share.
    """

    def __init__(self) -> None:
        self._task: str | None = None

    @contextmanager
    def running(self, task: str) -> Iterator[None]:
        """Makes a task the active one for the duration of one pass, whatever happens in it.

        Raises:
            ConfigError: another pass is running, in another thread.
        """
        if self._task is not None:
            raise ConfigError(
                f"a conditioned trunk makes one pass at a time; one for task {self._task!r} is "
                "running. Use a copy of the model in each thread (DistributedDataParallel has one "
                "in each process)."
            )
        self._task = task
        try:
            yield
        finally:
            self._task = None

    @property
    def task(self) -> str:
        """The active task.

        Raises:
            ConfigError: there is none.
        """
        if self._task is None:
            raise ConfigError(
                "a layer of a conditioned trunk ran outside of a pass for a task. Call the sharing "
                "and not its trunk; layers that run again in the backward pass (activation "
                "checkpointing) cannot be conditioned: leave them out of `scope`."
            )
        return self._task
