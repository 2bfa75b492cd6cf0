"""A few processes in one group of gloo, started once and asked many times."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as multiprocessing
from torch import distributed

SECONDS = 120


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
        for rank in range(size):
            here, there = context.Pipe()
            given = (rank, size, str(folder / "store"), there)
            process = context.Process(target=serve, args=given, daemon=True)
            process.start()
            self.ends.append(here)
            self.processes.append(process)

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        for end in self.ends:
            end.send((function, arguments))
        answers = []
        for rank, end in enumerate(self.ends):
            assert end.poll(2 * SECONDS), f"rank {rank} does not answer"
            answers.append(end.recv())
        told = [f"rank {rank}: {error}" for rank, (_, error) in enumerate(answers) if error]
        assert not told, "\n".join(told)
        return [result for result, _ in answers]

    def close(self) -> None:
        for end in self.ends:
            end.send(None)
        for process in self.processes:
            process.join(SECONDS)


@contextmanager
def group_of(size: int, folder: Path) -> Iterator[Group]:
    """Starts a group, and ends it."""
    group = Group(size, folder)
    try:
        yield group
    finally:
        group.close()
