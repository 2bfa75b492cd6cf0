"""A small table with columns of every kind, and a description of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

INPUTS: dict[str, Any] = {
    "age": {"kind": "number", "missing": "?"},
    "town": "category",
    "member": "yes/no",
    "joined": "date",
    "likes": "tags",
    "scan": "numbers",
}
TASKS: dict[str, Any] = {
    "spend": "number",
    "plan": {"kind": "category", "class_weights": "balanced"},
    "left": {"kind": "yes/no", "positive": "gone"},
    "topics": {"kind": "tags", "separator": "|"},
}


def table(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """A table in which the targets follow from the inputs, with cells missing in each column."""
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 80, rows)
    town = generator.choice(["Bonn", "Rom", "Ulm"], rows)
    member = generator.choice(["yes", "no"], rows)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), "D")
    scan = generator.normal(size=(rows, 2)).round(3)
    frame = pd.DataFrame(
        {
            "id": [f"c{number}" for number in range(rows)],
            "age": age.astype(str),
            "town": town,
            "member": member,
            "joined": days.strftime("%Y-%m-%d"),
            "likes": [";".join(sorted({"a", "b", "c"} - {town[0]})) for town in town],
            "scan": [f"[{one}, {two}]" for one, two in scan],
            "spend": age * 2.0 + (member == "yes") * 30 + scan[:, 0],
            "plan": np.where(age < 35, "basic", np.where(age < 60, "plus", "pro")),
            "left": np.where((town == "Ulm") ^ (generator.random(rows) < 0.2), "gone", "here"),
            "topics": np.where(age < 50, "x|y", "y"),
            "fold": generator.permutation(
                np.resize(["train", "train", "train", "val", "test"], rows)
            ),
        }
    )
    for place, column in enumerate(["age", "town", "joined", "scan", "spend", "plan", "left"]):
        frame.loc[place::17, column] = "?" if column == "age" else None
    return frame


def settings(**more: Any) -> dict[str, Any]:
    """The settings of a short run on the table."""
    encoder = {"class": "TabularMLP", "widths": [8]}
    short = {"epochs": 2, "batch_size": 16, "device": "cpu", "encoder": encoder}
    return {"split": "fold", "inputs": INPUTS, "tasks": TASKS, **short, **more}


def written(folder: Path, frame: pd.DataFrame | None = None, name: str = "table.csv") -> Path:
    """Writes the table to a file."""
    (table() if frame is None else frame).to_csv(folder / name, index=False)
    return folder / name
