"""A few processes in one group of gloo, started once and asked many times."""

import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as multiprocessing
from torch import distributed

SECONDS = 60


def serve(rank: int, size: int, store: str, asked: Connection) -> None:
    """Runs what is asked for until there is nothing more; answers `(result, error)`."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        rank=rank,
        world_size=size,
        store=distributed.FileStore(store, size),
        timeout=timedelta(seconds=SECONDS),
    )
    while (work := asked.recv()) is not None:
        function, arguments = work
        try:
            asked.send((function(*arguments), None))
        except BaseException:
            asked.send((None, traceback.format_exc()))
    distributed.destroy_process_group()


class Group:
    """Runs a function in all processes at once: `group(function, *arguments)` -> results by rank.

    The function is one of a module, and takes and returns what can be pickled.
    """

    def __init__(self, size: int, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.ends, self.processes = [], []
        self.failed = False  # processes of which one has failed may wait for it still
        for rank in range(size):
            here, there = context.Pipe()
            given = (rank, size, str(folder / "store"), there)
            process = context.Process(target=serve, args=given)
            process.start()
            self.ends.append(here)
            self.processes.append(process)

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        self.failed = True
        for end in self.ends:
            end.send((function, arguments))
        answers = []
        for rank, end in enumerate(self.ends):
            assert end.poll(2 * SECONDS), f"rank {rank} does not answer"
            answers.append(end.recv())
        told = [f"rank {rank}: {error}" for rank, (_, error) in enumerate(answers) if error]
        assert not told, "\n".join(told)
        self.failed = False
        return [result for result, _ in answers]

    def close(self) -> None:
        for end, process in zip(self.ends, self.processes, strict=True):
            if self.failed:
                process.kill()
            else:
                end.send(None)
            process.join(SECONDS)


class Groups:
    """Has a group of each size, which is started when it is first asked for, and after a failure.

    Args:
        folder: gives each its folder.
    """

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self.folder = folder
        self.started: dict[int, Group] = {}

    def of(self, size: int) -> Group:
        known = self.started.get(size)
        if known is None or known.failed:
            if known is not None:
                known.close()
            self.started[size] = Group(size, self.folder("group"))
        return self.started[size]

    def close(self) -> None:
        for group in self.started.values():
            group.close()
