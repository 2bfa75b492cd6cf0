"""Two processes of one thread each against one process of two threads, on the joined batch.

``python -m benchmarks.processes``. The processes take their steps in turn, so that nothing else
runs beside either; what goes over the wire is counted.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing

from benchmarks.engine import engine
from benchmarks.nets import Problem, conv_net, transformer
from plait.balancing import Equal, UPGrad

TASKS, SIZE, ROUNDS, STEPS = 3, 2, 12, 2
WARM = 2  # rounds that do not count
LEAST = 0.85  # of the examples per second of one process
NETS: dict[str, Callable[[int], Problem]] = {"conv net": conv_net, "transformer": transformer}
WAYS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "Equal": lambda: (Equal(), {}),
    "UPGrad, features": lambda: (UPGrad(), {"at": "features"}),
    "UPGrad, rows": lambda: (UPGrad(), {"route": "rows"}),
}


def problem_of(net: str, rank: int, size: int) -> Problem:
    """Returns a network with a process's part of two batches, joined."""
    torch.manual_seed(0)
    found = NETS[net](TASKS)
    inputs, targets = found.inputs.repeat_interleave(2, 0), found.targets.repeat_interleave(2, 1)
    found.inputs, found.targets = inputs[rank::size], targets[:, rank::size]
    return found


class Wire:
    """Counts the bytes that a process gives to collectives."""

    def __init__(self) -> None:
        self.bytes = 0
        plain = distributed.all_reduce

        def counted(tensor: torch.Tensor, *given: Any, **options: Any) -> Any:
            self.bytes += tensor.nbytes
            return plain(tensor, *given, **options)

        distributed.all_reduce = counted


def serve(rank: int, store: str, asked: Connection) -> None:
    """Takes steps when it is asked, and answers with seconds and bytes."""
    torch.set_num_threads(1)
    file = distributed.FileStore(store, SIZE)
    distributed.init_process_group(
        "gloo", rank=rank, world_size=SIZE, store=file, timeout=timedelta(minutes=5)
    )
    wire, step = Wire(), None
    while (wanted := asked.recv()) is not None:
        if isinstance(wanted, tuple):
            net, way = wanted
            step = step_of(problem_of(net, rank, SIZE), way)
        assert step is not None
        distributed.barrier()
        wire.bytes, begun = 0, time.perf_counter()
        for _ in range(STEPS):
            step()
        asked.send((time.perf_counter() - begun, wire.bytes // STEPS))
    distributed.destroy_process_group()


def step_of(problem: Problem, way: str) -> Callable[[], None]:
    """Returns a training step without an optimizer."""
    balancer, options = WAYS[way]()
    take = engine(problem, balancer, **options)

    def step() -> None:
        problem.model.zero_grad()
        take()

    return step


def main() -> bool:
    """Prints the table; returns whether the bounds are met."""
    context = multiprocessing.get_context("spawn")
    ends, started = [], []
    with tempfile.TemporaryDirectory() as folder:
        for rank in range(SIZE):
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(rank, str(Path(folder, "s")), there))
            process.start()
            ends.append(here)
            started.append(process)
        kept = [measured(ends, net, way) for net in NETS for way in WAYS]
        for end, process in zip(ends, started, strict=True):
            end.send(None)
            process.join()
    return all(kept)


def measured(ends: list[Any], net: str, way: str) -> bool:
    """Prints a line; returns whether its bound is met."""
    torch.set_num_threads(SIZE)
    alone = step_of(problem_of(net, 0, 1), way)
    one, two, wire = [], [], 0
    for number in range(ROUNDS + WARM):
        begun = time.perf_counter()
        for _ in range(STEPS):
            alone()
        one.append(time.perf_counter() - begun)
        for end in ends:
            end.send((net, way) if number == 0 else "go")
        answers = [end.recv() for end in ends]
        two.append(max(seconds for seconds, _ in answers))
        wire = answers[0][1]
    pairs = list(zip(one, two, strict=True))[WARM:]
    ratio = statistics.median(a / b for a, b in pairs)
    milliseconds = [1000 * statistics.median(each[WARM:]) / STEPS for each in (one, two)]
    bound = None if way == "UPGrad, rows" else LEAST
    verdict = (
        "" if bound is None else f", at least {bound}: {'kept' if ratio >= bound else 'MISSED'}"
    )
    print(
        f"  {net}, {way}: {ratio:.2f} of the examples per second of one process{verdict}   "
        f"({milliseconds[0]:.0f} and {milliseconds[1]:.0f} ms a step, {wire / 1e6:.2f} MB)",
        flush=True,
    )
    return bound is None or ratio >= bound


if __name__ == "__main__":
    main()
