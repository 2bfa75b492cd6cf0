"""The lines of `plait doctor`."""

from plait.cli.show_machine import lines
from plait.distributed.pair import Pair
from plait.experiments.machine import Machine

MACHINE = Machine(
    {"Python": "3.12.1", "torch": "2.13.0"}, 8, 4, "cuda", ["A", "B"], ["gloo", "nccl"]
)


def test_two_that_can() -> None:
    found = lines(MACHINE, Pair("cpu:gloo,cuda:nccl", 0.0034), None)
    assert found == [
        "Python 3.12.1, torch 2.13.0.",
        "8 processors, 4 threads in one process; A, B. A training runs on cuda.",
        "Two processes (cpu:gloo,cuda:nccl) can train together: a sum of 8 MiB takes 3 ms, and is "
        "right.",
    ]


def test_two_that_cannot() -> None:
    (*_, last) = lines(MACHINE, Pair("gloo", 0.0, "they ended with 137"), None)
    assert last.startswith("Two processes (gloo) cannot train together here: they ended with 137.")
