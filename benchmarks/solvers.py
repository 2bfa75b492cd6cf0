"""Every Gramian method: the time from a Gramian to weights, beside TorchJD's and beside bounds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

import plait.balancing
from plait.balancing import GramianBalancer
from plait.core.lookup import names

SIZES = (3, 10, 40, 100, 200)
DRAWS = 120  # of Gramians; of them every sixth near-singular
BUDGET = 1.0  # seconds for all draws of one method at one size
SINGULAR = 1e-3  # share of the mean gradient that the near-singular draws keep
# The longest median that is acceptable, in ms, for the sizes in order
BOUNDS = {
    "MGDA": (0.15, 0.15, 0.3, 2.0),
    "UPGrad": (0.2, 0.3, 3.0, 40.0),
    "CAGrad": (0.3, 0.5, 1.5, 15.0),
    "NashMTL": (0.3, 0.5, 1.5, 15.0),
}
PEER_OPTIONS: dict[str, dict[str, float]] = {"CAGrad": {"c": 0.4}, "FairGrad": {"alpha": 1.0}}
Weighting = Callable[[Tensor], Tensor]


def main() -> bool:
    """Prints the table and returns whether the bounds are kept.

    It runs in a process of its own: the linear algebra under NumPy fixes its threads as it loads.
    """
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.solvers"]
    return subprocess.run(command, env={**os.environ, **one_thread}, check=False).returncode == 0


def table() -> bool:
    """Prints the table in this process."""
    torch.set_num_threads(1)
    missed, remarks = 0, []
    print("| method | T | plait, ms | TorchJD, ms | bound, ms | |\n|---|--:|--:|--:|--:|---|")
    for name in names(plait.balancing, GramianBalancer):
        ours: Weighting = getattr(plait.balancing, name)().weights
        theirs, reason = peer(name)
        if reason:
            remarks.append(f"{name}: {reason}")
        for position, size in enumerate(SIZES):
            bounds = BOUNDS.get(name, ())
            bound = bounds[position] if position < len(bounds) else None
            own, other = medians(size, ours, theirs)
            missed += bound is not None and own > bound
            verdict = "" if bound is None else "met" if own <= bound else "MISSED"
            cells = [name, size, f"{own:.3f}", "-" if other is None else f"{other:.3f}"]
            print("|", *(f"{cell} |" for cell in [*cells, bound or "", verdict]), flush=True)
    print(
        f"\nMedians over up to {DRAWS} Gramians of N(0, 1) rows [T, 2T], every sixth with all but "
        f"{SINGULAR} of the mean row taken off; drawn in turn, for up to {BUDGET:g} s each.\n"
        f"{torch.get_num_threads()} thread, torch {torch.__version__}; bounds missed: {missed}."
    )
    for remark in remarks:
        print(f"TorchJD, {remark}")
    return missed == 0


def peer(name: str) -> tuple[Weighting | None, str]:
    """Returns TorchJD's method of this name, or why there is none."""
    try:
        import torchjd.aggregation as torchjd
    except ImportError:
        return None, "not installed"
    try:
        weighting = getattr(torchjd, f"{name}Weighting")(**PEER_OPTIONS.get(name, {}))
        weighting(torch.eye(2, dtype=torch.float64))
    except Exception as error:  # whatever keeps it from running here is what there is to report
        return None, f"{type(error).__name__}: {error}".splitlines()[0]
    return weighting, ""


def medians(size: int, ours: Weighting, theirs: Weighting | None) -> tuple[float, float | None]:
    """Returns the median times in ms; the two take turns, Gramian by Gramian."""
    own, other = [], []
    started = time.perf_counter()
    for gramian in draws(size):
        own.append(timed(ours, gramian))
        if theirs is not None:
            other.append(timed(theirs, gramian))
        if time.perf_counter() - started > BUDGET:
            break
    return statistics.median(own), statistics.median(other) if other else None


def timed(method: Weighting, gramian: Tensor) -> float:
    """Returns the time of one call in ms, after one that brings back what the other displaced."""
    method(gramian)
    started = time.perf_counter()
    method(gramian)
    return 1e3 * (time.perf_counter() - started)


def draws(size: int) -> Iterator[Tensor]:
    """Draws the Gramians."""
    generator = torch.Generator().manual_seed(size)
    for number in range(DRAWS):
        rows = torch.randn(size, 2 * size, generator=generator, dtype=torch.float64)
        if number % 6 == 5:
            rows -= (1 - SINGULAR) * rows.mean(dim=0)
        yield rows @ rows.mT


if __name__ == "__main__":
    sys.exit(0 if table() else 1)
