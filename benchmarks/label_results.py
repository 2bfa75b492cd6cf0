"""``python -m benchmarks.label_results --data DIR``: `UPGrad` by labels and by rows, trained whole.

Trained from the same seeds on School and Landmine, all their examples in one table, and on Tox21,
one after the other: the same figures must be reached, but for rounding, which a long training
amplifies; how far is told by layers, another exact route. DIR holds the folders `school`,
`landmine` and `tox21`. Not part of `make bench`; run it on a machine without other work.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from plait.experiments import run, validate, with_defaults
from plait.runs.result import RunResult

COMMON: dict[str, Any] = {"sharing": "Hard", "balancing": "UPGrad", "gallery": 0, "device": "cpu"}
POOLED: dict[str, Any] = {"batch_size": 256, "optimizer": {"class": "AdamW", "lr": 1e-3}}
PROBLEMS: dict[str, dict[str, Any]] = {
    "school": {"recipe": {"class": "School", "hidden": [128, 128], "pooled": True}, **POOLED},
    "landmine": {"recipe": {"class": "Landmine", "hidden": [128, 128], "pooled": True}, **POOLED},
    "tox21": {"recipe": "Tox21", "encoder": "TabularMLP"},
}
ROUTES = ("rows", "layers", "labels", "auto")


def trained(problem: str, data: Path, **settings: Any) -> RunResult:
    """Trains and tests a problem with further settings."""
    given = {**COMMON, **PROBLEMS[problem], "data": str(data / problem), **settings}
    config = validate(with_defaults(given))
    with tempfile.TemporaryDirectory() as folder:
        return run(config, Path(folder, "run"))


def main_metrics(result: RunResult) -> list[float]:
    """Returns the main metric of each task on the test part."""
    return [next(iter(each.values())) for each in result.test.metrics.values()]


def main() -> None:
    """Prints a row for each problem and route."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="PROBLEM")
    parser.add_argument("--data", type=Path, required=True, help="holds a folder for each problem")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| problem | route | main metric, mean of tasks and seeds | largest difference |", end="")
    print(" ms a step |\n|---|---|--:|--:|--:|")
    for problem in given.problems:
        found: dict[str, list[float]] = {}
        for route in ROUTES:
            runs = [
                trained(problem, given.data, route=route, epochs=given.epochs, seed=seed)
                for seed in range(given.seeds)
            ]
            found[route] = [value for each in runs for value in main_metrics(each)]
            pairs = zip(found[route], found["rows"], strict=True)
            apart = max(abs(one - other) for one, other in pairs)
            seconds = statistics.median(each.step_seconds for each in runs)
            mean = statistics.mean(found[route])
            row = f"| {problem} | {route} | {mean:.5f} | {apart:.1e} | {1e3 * seconds:.1f} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
