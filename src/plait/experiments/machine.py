"""A machine as a training finds it: versions, processors, devices."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import torch

from plait.runs.environment import versions
from plait.training.device import pick_device


@dataclass(frozen=True)
class Machine:
    """Describes a machine to train on.

    Attributes:
        versions: `{package: version}`, Python first.
        processors: their number.
        threads: that torch uses in one process.
        device: on which a training runs by default.
        devices: names of the accelerators, in their order.
        backends: of collectives that this torch has.
    """

    versions: dict[str, str]
    processors: int
    threads: int
    device: str
    devices: list[str]
    backends: list[str]


def examine() -> Machine:
    """Looks at this machine."""
    distributed = torch.distributed
    known = {
        "gloo": distributed.is_available() and distributed.is_gloo_available(),
        "nccl": distributed.is_available() and distributed.is_nccl_available(),
    }
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(
        versions={
            "Python": platform.python_version(),
            **{name: each or "not installed" for name, each in versions().items()},
        },
        processors=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        device=str(pick_device("auto")),
        devices=[torch.cuda.get_device_name(number) for number in range(count)],
        backends=[name for name, there in known.items() if there],
    )
