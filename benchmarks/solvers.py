"""The time from a Gramian to weights, of every Gramian method, beside TorchJD's."""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version

import torch
from torch import Tensor

import plait.balancing
from plait.balancing import CrossGramianBalancer, GramianBalancer, Info
from plait.core.lookup import names

SIZES = (3, 10, 40, 100, 200)
# Milliseconds at T = 3, 10, 40, 100
BOUNDS = {
    "MGDA": (0.15, 0.15, 0.3, 2.0),
    "UPGrad": (0.2, 0.3, 3.0, 40.0),
    "CAGrad": (0.3, 0.5, 1.5, 15.0),
    "NashMTL": (0.3, 0.5, 1.5, 15.0),
}
SECONDS = 1.0  # for one solver and number of tasks; a slow one is measured on fewer draws
Solve = Callable[[Tensor], object]


def gramians(tasks: int, *, random: int = 100, singular: int = 20) -> list[Tensor]:
    """Returns Gramians of random rows `[T, 2T]`, and of conflicting rows that nearly cancel."""
    generator = torch.Generator().manual_seed(tasks)
    found = []
    every = (random + singular) // singular
    for number in range(random + singular):
        rows = torch.randn(tasks, 2 * tasks, generator=generator, dtype=torch.float64)
        if number % every == 0:  # a common direction, and the mean of the rows almost zero
            rows = 1e-3 * rows + rows[:1]
            rows -= (1 - 1e-4) * rows.mean(dim=0)
        found.append(rows @ rows.T)
    return found


def ours(name: str, tasks: int) -> Solve:
    """The public call."""
    balancer = getattr(plait.balancing, name)()
    info = Info(tuple(map(str, range(tasks))), torch.ones(tasks))
    return lambda gramian: balancer.weights(gramian, info)


def peers(tasks: int) -> dict[str, Callable[[], Solve]]:
    """TorchJD's methods by plait's names; FairGrad and CAGrad with plait's defaults."""
    from torchjd import aggregation as a

    def nash() -> Solve:
        nash_mtl = a.NashMTL(n_tasks=tasks)
        return lambda gramian: nash_mtl(torch.linalg.cholesky(gramian + jitter(gramian)))

    return {
        "AlignedMTL": a.AlignedMTLWeighting,
        "CAGrad": lambda: a.CAGradWeighting(c=0.5),
        "DualProj": a.DualProjWeighting,
        "FairGrad": lambda: a.FairGradWeighting(alpha=1.0),
        "GradVac": a.GradVacWeighting,
        "IMTLG": a.IMTLGWeighting,
        "Krum": lambda: a.KrumWeighting(n_byzantine=1, n_selected=1),
        "MGDA": a.MGDAWeighting,
        "NashMTL": nash,
        "PCGrad": a.PCGradWeighting,
        "UPGrad": a.UPGradWeighting,
    }


def jitter(gramian: Tensor) -> Tensor:
    """What makes a singular Gramian positive definite, for a method that takes rows only."""
    return 1e-9 * gramian.diagonal().max() * torch.eye(len(gramian), dtype=gramian.dtype)


def median_times(solvers: dict[str, Solve], draws: Sequence[Tensor]) -> dict[str, float | str]:
    """Returns milliseconds, or the error; the solvers take turns, draw by draw."""
    times: dict[str, list[float]] = {name: [] for name in solvers}
    failed: dict[str, float | str] = {}
    for gramian in draws:
        for name, solve in solvers.items():
            spent = times[name]
            if name in failed or sum(spent) > SECONDS:
                continue
            start = time.perf_counter()
            try:
                solve(gramian)
            except Exception as error:  # a peer's, whatever it is, is a result
                failed[name] = type(error).__name__
                continue
            spent.append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(each) for name, each in times.items() if each} | failed


def main() -> bool:
    """Prints the table; returns whether every bound is met."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure()
    finally:
        torch.set_num_threads(threads)


def _measure() -> bool:
    methods = [
        name
        for name in names(plait.balancing, GramianBalancer)
        if not issubclass(getattr(plait.balancing, name), CrossGramianBalancer)
    ]
    found = {}
    for tasks in SIZES:
        solvers = {f"plait {name}": ours(name, tasks) for name in methods}
        for name, make in peers(tasks).items():
            solvers[f"torchjd {name}"] = make()
        with warnings.catch_warnings(action="ignore"):  # of the peers' solvers
            found[tasks] = median_times(solvers, gramians(tasks))
    print(
        f"torch {torch.__version__}, torchjd {version('torchjd')}, {os.cpu_count()} processors, "
        "one thread\nmedian milliseconds from a Gramian to weights, 100 random draws and 20 "
        "conflicting, nearly singular ones: plait / TorchJD"
    )
    print("| method | " + " | ".join(f"T = {tasks}" for tasks in SIZES) + " |")
    print("| --- |" + " --- |" * len(SIZES))
    met = True
    for name in methods:
        cells = []
        for position, tasks in enumerate(SIZES):
            time_here, peer = (found[tasks].get(f"{who} {name}") for who in ("plait", "torchjd"))
            cell = _shown(time_here) + (f" / {_shown(peer)}" if peer is not None else "")
            if position < len(BOUNDS.get(name, ())):
                kept = isinstance(time_here, float) and time_here <= BOUNDS[name][position]
                cell += f" ({'met' if kept else 'MISSED'}: {BOUNDS[name][position]:g})"
                met = met and kept
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |")
    return met


def _shown(value: float | str | None) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(not main())
