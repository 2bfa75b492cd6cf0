"""Peak memory of a step by each route; a fresh process for each, so that none profits from another.

The allocator is told to give every large block back at once, so that the peak of the process is
that of what is alive.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.engine import VARIANTS
from benchmarks.nets import mlp

TASKS, STEPS = 40, 3
BOUNDS = {
    512: {"UPGrad, rows": 1.0, "UPGrad, layers": 0.65},
    1024: {"UPGrad, rows": 1.0, "UPGrad, layers": 0.4},
}
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "OMP_NUM_THREADS": "1",
}


def main() -> bool:
    """Prints what each route takes over the joint step; returns whether the bounds are met."""
    met = True
    print(f"peak memory over that of the joint step, T = {TASKS}, in [T, P] buffers")
    for width, bounds in BOUNDS.items():
        shared = sum(parameter.numel() for parameter in mlp(2, width).trunk.parameters())
        buffer = 4 * TASKS * shared
        joint = _peak("joint step", width)
        for variant, bound in bounds.items():
            value = (_peak(variant, width) - joint) / buffer
            met = met and value <= bound
            print(
                f"  {'met' if value <= bound else 'MISSED':7}MLP of width {width}, {variant}: "
                f"{value:.2f}, at most {bound:.2f} of {buffer / 2**20:.0f} MiB"
            )
    return met


def _peak(variant: str, width: int) -> int:
    """Returns the peak of a fresh process in bytes."""
    command = [sys.executable, "-m", "benchmarks.memory", variant, str(width)]
    found = subprocess.run(
        command, env={**os.environ, **ALLOCATOR}, capture_output=True, text=True, check=True
    )
    return int(found.stdout)


def _child(variant: str, width: int) -> None:
    for each in ("joint step", *BOUNDS[512]):
        _run(each, 8)  # what a step loads from libraries for the first time is in every peak
    _run(variant, width)
    print(_high_water_mark())


def _high_water_mark() -> int:
    """Returns the most memory that this process has had, in bytes.

    On Linux `ru_maxrss` would begin with that of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return 1024 * int(found[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _run(variant: str, width: int) -> None:
    torch.manual_seed(0)
    problem = mlp(TASKS, width)
    step, model = VARIANTS[variant](problem), problem.model
    for _ in range(STEPS):
        model.zero_grad()
        step()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _child(sys.argv[1], int(sys.argv[2]))
    else:
        raise SystemExit(not main())
