"""Two processes of an example, started and compared with one process that reads joined batches."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

import plait
from examples.two_tasks import BATCH, RATE, TwoTasks, losses_of, table
from plait.balancing import UPGrad
from tests.cli.shell import PATHS

SECONDS = 600  # on a machine that does much else
State = dict[str, Tensor]


def needs(module: str, extra: str) -> pytest.MarkDecorator:
    """Skips where a package is not installed; it is looked for, and not imported here."""
    return pytest.mark.skipif(
        find_spec(module) is None, reason=f"needs {module}, of the extra {extra}"
    )


def run(name: str, folder: Path, *launcher: str) -> None:
    """Runs an example (see `child`), and ends all that it has started."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    given = {"PYTHONPATH": PATHS, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    waits = ("RAY_raylet_start_wait_time_s", "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S")
    ray = {"RAY_USAGE_STATS_ENABLED": "0", **dict.fromkeys(waits, str(SECONDS))}
    child = subprocess.Popen(
        [sys.executable, *launcher, "-m", "tests.examples.child", name, str(folder)],
        env={**kept, **given, **ray},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    with child:
        try:
            said, _ = child.communicate(timeout=SECONDS)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    assert child.returncode == 0, said


def one_process(orders: Iterable[Sequence[int]]) -> State:
    """Returns the parameters after an epoch of each order of the rows."""
    torch.manual_seed(0)
    network = TwoTasks()
    backward = plait.Backward(UPGrad(), network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    rows = table()
    for order in orders:
        for first in range(0, len(order), BATCH):
            optimizer.zero_grad()
            backward(losses_of(network, *rows[list(order[first : first + BATCH])])[0])
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
    return network.state_dict()


def check(folder: Path, wanted: State, *names: str) -> None:
    """Compares what both processes have saved."""
    for name in names:
        here, there = (torch.load(folder / f"{name}{rank}.pt") for rank in (0, 1))
        assert all(torch.equal(here[key], there[key]) for key in here), f"{name}: unlike replicas"
        for key, value in wanted.items():
            torch.testing.assert_close(here[key], value, rtol=0, atol=1e-6)
