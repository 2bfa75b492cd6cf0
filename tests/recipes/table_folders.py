"""Tiny archives in the format of School and Landmine, and the real ones where they are at hand."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plait.data import Disjoint, InMemory

REAL = Path(os.environ.get("PLAIT_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def real(name: str) -> Path:
    """The folder of real data; skips the test that asks where it is not on this machine."""
    folder = REAL / name
    if not (folder / f"{name}.npz").is_file():
        pytest.skip(f"the {name} data are not in {REAL}; name their folder with PLAIT_DATA")
    return folder


def school(sizes: tuple[int, ...] = (20, 7, 31), *, seed: int = 0) -> dict[str, Any]:
    """Arrays of some schools: scores that rise with the first column, by school."""
    random = np.random.default_rng(seed)
    task = np.repeat(np.arange(len(sizes)), sizes)
    random.shuffle(task)
    x = random.integers(0, 2, (len(task), 28))
    x[:, 3:5] = random.integers(3, 90, (len(task), 2))
    x[:, 27] = 1
    y = 10 + 5 * task + 20 * x[:, 0] + random.integers(0, 9, len(task))
    return {"x": x.astype(np.uint8), "y": y.astype(np.uint8), "task": task.astype(np.uint8)}


def landmine(sizes: tuple[int, ...] = (40, 30, 50), *, seed: int = 0) -> dict[str, Any]:
    """Arrays of some fields: one place in five has a mine, and a larger first feature."""
    random = np.random.default_rng(seed)
    task = np.concatenate([np.full(size, number) for number, size in enumerate(sizes)])
    y = np.concatenate([np.arange(size) % 5 == 0 for size in sizes])
    x = random.standard_normal((len(task), 9)) + 4 * y[:, None] * (np.arange(9) == 0)
    order = random.permutation(len(task))
    return {
        "x": x[order].astype(np.float32),
        "y": y[order].astype(np.uint8),
        "task": task[order].astype(np.uint8),
    }


def write(folder: Path, name: str, arrays: dict[str, Any]) -> Path:
    """Writes `folder/name/name.npz` and returns `folder/name`."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place / f"{name}.npz", **arrays)
    return place


def assert_pooled(pools: Mapping[str, Any], tables: Mapping[str, Disjoint]) -> None:
    """Every row of a pool has one label, and those of a task are the rows of its table."""
    for split, pool in pools.items():
        assert isinstance(pool, InMemory)
        labels = torch.stack([column.flatten() for column in pool.targets.values()])
        assert (~labels.isnan()).sum(0).eq(1).all()
        assert list(pool.targets) == list(tables[split].targets)
        for name, column in pool.targets.items():
            own = ~column.flatten().isnan()
            assert torch.equal(pool.inputs[own], tables[split].inputs[name])
            assert torch.equal(column[own], tables[split].targets[name])
