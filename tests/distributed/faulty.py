"""Recipes whose examples are read one by one, and whose reading fails or hangs in one process."""

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from torch.utils.data import Dataset

from plait.core.errors import DataError
from plait.distributed import ranks
from tests.experiments.tiny import Tiny

LISTED, FAILS, CRASHES, HANGS, STOPS = (
    f"tests.distributed.faulty:{name}" for name in ("Listed", "Fails", "Crashes", "Hangs", "Stops")
)


class OneByOne(Dataset[Any]):
    """The examples of a table; calls `before` ahead of each."""

    def __init__(self, table: Any, recipe: "Listed") -> None:
        self.table, self.recipe = table, recipe

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> Any:
        self.recipe.before()
        return self.table[index]


class Listed(Tiny):
    """Reads examples one by one, so that workers may do it."""

    fault = 40  # examples that rank 1 has read before

    def __init__(self, *, examples: int = 24, seed: int = 0) -> None:
        super().__init__(examples=examples, seed=seed)
        self.read = 0

    def splits(self) -> Mapping[str, Dataset[Any]]:
        found = dict(super().splits())
        return {**found, "train": OneByOne(found["train"], self)}

    def before(self) -> None:
        self.read += 1
        if self.read == self.fault and ranks().rank == 1:
            self.fail()

    def fail(self) -> None:
        """Nothing is wrong."""


class Fails(Listed):
    def fail(self) -> None:
        raise DataError("example 7 is not readable. Look at the file.")


class Crashes(Listed):
    def fail(self) -> None:
        raise ZeroDivisionError("a defect")


class Hangs(Listed):
    """Waits as for a disk that does not answer; SIGTERM does not end it."""

    def fail(self) -> None:
        time.sleep(600)


class Stops(Listed):
    """Is stopped as by a debugger, so that it does nothing, and hears no signal but SIGKILL."""

    def fail(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
