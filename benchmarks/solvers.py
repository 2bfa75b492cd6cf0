"""The time from a Gramian to weights, of every Gramian method, beside TorchJD's and bounds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

import plait.balancing
from plait.balancing import CrossGramianBalancer, GramianBalancer, Info
from plait.core.lookup import names

SIZES = (3, 10, 40, 100, 200)
DRAWS = 120  # of Gramians; of them every sixth near-singular
BUDGET = 0.6  # seconds for all draws of one method at one size
SINGULAR = 1e-3  # share of the mean gradient that the near-singular draws keep
# The longest median that is acceptable, in ms, for the sizes in order; None: not bounded
BOUNDS: dict[str, tuple[float | None, ...]] = {
    "MGDA": (0.15, 0.15, 0.3, 2.0),
    "UPGrad": (0.2, 0.3, 3.0, 40.0),
    "CAGrad": (0.3, 0.5, 1.5, 15.0),
    "NashMTL": (0.3, 0.5, 1.5, 15.0),
    "PCGrad": (None, None, 1.0, 5.0),
    "GradVac": (None, None, 1.0, 5.0),
}
PEER_OPTIONS: dict[str, dict[str, float]] = {
    "CAGrad": {"c": 0.5},
    "FairGrad": {"alpha": 1.0},
    "Krum": {"n_byzantine": 1},
}
Solve = Callable[[Tensor], object]


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
    warnings.simplefilter("ignore")  # of the peers' solvers
    missed, remarks = 0, []
    print("ms from a Gramian to weights: plait / TorchJD (verdict on plait's bound)\n")
    print("| method | " + " | ".join(f"T = {size}" for size in SIZES) + " |")
    print("|---|" + "--:|" * len(SIZES))
    for name in names(plait.balancing, GramianBalancer):
        if issubclass(getattr(plait.balancing, name), CrossGramianBalancer):
            continue
        cells = [name]
        for size, bound in zip(SIZES, (*BOUNDS.get(name, ()), *[None] * len(SIZES)), strict=False):
            theirs, reason = peer(name, size)
            own, other = medians(size, ours(name, size), theirs)
            kept = bound is None or own <= bound
            missed += not kept
            cell = f"{own:.3g}" + ("" if other is None else f" / {other:.3g}")
            verdict = "" if bound is None else f" ({'met' if kept else 'MISSED'}, {bound:g})"
            cells.append(cell + verdict)
        remarks += [f"{name}: {reason}"] if reason else []
        print("|", *(f"{cell} |" for cell in cells), flush=True)
    print(
        f"\nMedians over up to {DRAWS} Gramians of N(0, 1) rows [T, 2T], every sixth with all but "
        f"{SINGULAR} of the mean row taken off; drawn in turn, for up to {BUDGET:g} s each.\n"
        f"{torch.get_num_threads()} thread, torch {torch.__version__}; bounds missed: {missed}."
    )
    for remark in remarks:
        print(f"TorchJD, {remark}")
    return missed == 0


def ours(name: str, size: int) -> Solve:
    """Returns the public call of a method."""
    balancer = getattr(plait.balancing, name)()
    info = Info(tuple(map(str, range(size))), torch.ones(size))
    return lambda gramian: balancer.weights(gramian, info)


def peer(name: str, size: int) -> tuple[Solve | None, str]:
    """Returns TorchJD's method of this name, or why there is none."""
    try:
        import torchjd.aggregation as torchjd
    except ImportError:
        return None, "not installed"
    try:
        if name == "NashMTL":  # takes rows, not a Gramian
            nash = torchjd.NashMTL(n_tasks=size)
            return lambda gramian: nash(torch.linalg.cholesky(gramian + jitter(gramian))), ""
        weighting = getattr(torchjd, f"{name}Weighting")(**PEER_OPTIONS.get(name, {}))
        weighting(torch.eye(max(size, 4), dtype=torch.float64))
    except Exception as error:  # whatever keeps it from running here is what there is to report
        return None, f"{type(error).__name__}: {error}".splitlines()[0]
    return weighting, ""


def jitter(gramian: Tensor) -> Tensor:
    """Returns what makes a nearly singular Gramian positive definite."""
    return 1e-9 * gramian.diagonal().max() * torch.eye(len(gramian), dtype=gramian.dtype)


def medians(size: int, own: Solve, other: Solve | None) -> tuple[float, float | None]:
    """Returns the median times in ms; the two take turns, Gramian by Gramian."""
    here: list[float] = []
    there: list[float] = []
    for gramian in draws(size):
        if sum(here) < 1e3 * BUDGET:
            here.append(timed(own, gramian))
        if other is not None and sum(there) < 1e3 * BUDGET:
            try:
                there.append(timed(other, gramian))
            except Exception:  # such as too few tasks for the method
                other = None
    return statistics.median(here), statistics.median(there) if there else None


def timed(method: Solve, gramian: Tensor) -> float:
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
