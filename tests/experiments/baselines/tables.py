"""Small tables for models of scikit-learn."""

from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from plait.data.table.described_inputs import read_inputs
from plait.data.table.encode import encode
from plait.data.table.fit import fit_columns
from plait.experiments import Problem, RunConfig, open_problem, validate, with_defaults
from plait.experiments.baselines.row_features import RowFeatures

INPUTS = {"x": "number", "z": "number", "word": "category"}
TASKS = {
    "size": "number",
    "kind": "category",
    "sick": "yes/no",
    "marks": {"kind": "tags", "columns": ["red", "blue"]},
}


def features_of(frame: pd.DataFrame, described: dict[str, Any]) -> tuple[RowFeatures, Tensor]:
    """Features of a frame whose rows are all for training, and its encoded rows."""
    columns = fit_columns(frame, read_inputs(described, frame.columns), np.arange(len(frame)))
    rows = encode(frame, columns)
    return RowFeatures(columns, rows), rows


def frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Numbers and a category that tell all targets, some cells empty."""
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(2, rows))
    word = draw.choice(["low", "mid", "high"], size=rows)
    shift = pd.Series(word).map({"low": -2.0, "mid": 0.0, "high": 2.0}).to_numpy()
    total = x + shift
    found = pd.DataFrame({"x": x, "z": z, "word": word})
    found["size"] = 3 * total + 0.1 * draw.normal(size=rows)
    found["kind"] = np.select([total < -1, total < 1], ["a", "b"], "c")
    found["sick"] = np.where(total + 0.5 * draw.normal(size=rows) > 0, "yes", "no")
    found["red"], found["blue"] = (x > 0).astype(int), (np.abs(z) < 0.5).astype(int)
    found["split"] = np.resize(["train", "train", "train", "val", "test"], rows)
    found.loc[::7, "z"] = np.nan
    found.loc[::9, "size"] = np.nan
    found.loc[5::11, "kind"] = None
    return found


def opened(table: pd.DataFrame, **settings: Any) -> tuple[RunConfig, Problem]:
    """The settings of a run on a table, and its problem."""
    given = {"recipe": "Table", "inputs": INPUTS, "tasks": TASKS, "split": "split", **settings}
    config = validate(with_defaults(given))
    return config, open_problem(config, frame=table)
