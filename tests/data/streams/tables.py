"""A table of every kind of column, as a frame and as Parquet files."""

from pathlib import Path

import numpy as np
import pandas as pd

INPUTS = {"x": "number", "word": "category", "day": "date", "list": "numbers"}
TASKS = {
    "y": {"kind": "number"},
    "kind": {"kind": "category"},
    "yes": {"kind": "yes/no"},
    "tags": {"kind": "tags"},
}


def frame(rows: int = 600) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    x = draw.normal(size=rows)
    return pd.DataFrame(
        {
            "x": np.where(draw.random(rows) < 0.1, np.nan, x),
            "word": draw.choice(["a", "b", "c"], rows),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 900, rows), "D"),
            "list": [[float(value), value**2] for value in x],
            "y": np.where(draw.random(rows) < 0.2, np.nan, 100 + 5 * x),
            "kind": np.where(x > 1, "high", np.where(x < -1, "low", "mid")),
            "yes": np.where(x + 0.1 * draw.normal(size=rows) > 0, "yes", "no"),
            "tags": np.where(x > 0, "p;q", "q"),
            "part": draw.choice(["train", "valid", "TEST"], rows, p=[0.6, 0.2, 0.2]),
            "who": draw.integers(0, rows // 10, rows),
            "number": np.arange(rows),
        }
    )


def written(path: Path, table: pd.DataFrame | None = None, group: int = 50) -> Path:
    (frame() if table is None else table).to_parquet(path, row_group_size=group)
    return path
