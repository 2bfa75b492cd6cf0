"""Tables with a known structure: two opposed groups of tasks, or four equal tasks."""

from pathlib import Path
from typing import Any

import numpy as np

from plait.experiments import RunConfig, validate, with_defaults

TASKS = ["a1", "a2", "b1", "b2"]
GROUPS = [["a1", "a2"], ["b1", "b2"]]


def write_table(path: Path, *, opposed: bool) -> None:
    """Writes 1,000 rows: of two opposed groups, y = |z|_+ and y = |-z|_+; else one number."""
    draws = np.random.default_rng(0)
    u, v, other = draws.normal(size=(3, 1000))
    z = u + 0.3 * v
    noise = 0.05 * draws.normal(size=(4, 1000))
    if opposed:
        first, second = np.maximum(z, 0), np.maximum(-z, 0)
        labels = np.stack([first, 2 * first, second, 1.5 * second]) + noise
    else:
        labels = np.stack([np.tanh(z)] * 4)
    rows = np.stack([u, v, other, *labels], axis=1)
    text = "\n".join(",".join(f"{value:.5f}" for value in row) for row in rows)
    path.write_text(f"u,v,other,{','.join(TASKS)}\n{text}\n")


def planted(folder: Path, *, opposed: bool, **more: Any) -> RunConfig:
    """The settings of a network whose two common units cannot serve both groups."""
    path = folder / "table.csv"
    write_table(path, opposed=opposed)
    settings = {
        "table": str(path),
        "inputs": dict.fromkeys(["u", "v", "other"], "number"),
        "tasks": dict.fromkeys(TASKS, "number"),
        "encoder": {"class": "TabularMLP", "widths": [2]},
        "optimizer": {"class": "AdamW", "lr": 0.01},
        "batch_size": 32,
        "device": "cpu",
    }
    return validate(with_defaults({**settings, **more}))
