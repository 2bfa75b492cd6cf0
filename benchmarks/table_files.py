"""Tables of a million rows: reading, preparing and predicting them, beside pandas alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks.memory import ALLOCATOR
from benchmarks.timing import interleaved
from plait import MultiTaskModel
from plait.data.table import encode
from plait.encoders import TabularEncoder, TabularMLP
from plait.experiments.trained import BATCH, PIECE, Trained
from plait.recipes.table import Table
from plait.sharing import Hard

ROWS, FEWER = 1_000_000, 250_000
READING, MEMORY = 1.5, 3.0  # times `pandas.read_csv`, and times the frame
FILE, FRAME = 1.3, 1.3  # times pandas and the bare forward pass, and times that pass alone
WORDS = {"colour": 8, "city": 200, "product": 2_000}  # how many different ones
TASKS = {"price": "number", "bought": "yes/no"}


def main() -> bool:
    """Prints the ratios; returns whether the bounds are kept."""
    with tempfile.TemporaryDirectory() as folder:
        csv, fewer = Path(folder) / "table.csv", Path(folder) / "fewer.csv"
        table(ROWS).to_csv(csv, index=False)
        table(FEWER).to_csv(fewer, index=False)
        print(f"{ROWS:,} rows x 20 columns, {csv.stat().st_size / 1e6:.0f} MB of CSV:")
        kept = [_reading(csv), _memory_of_reading(csv)]
        for place, name in enumerate((TabularMLP.__name__, TabularEncoder.__name__)):
            model = Path(folder) / name
            trained(model, name)
            kept.append(_predicting_a_frame(model, name))
            if place == 0:
                kept.append(_predicting_a_file(model, csv, Path(folder)))
                _memory_of_predicting(model, csv, fewer)
    return all(kept)


def _told(what: str, ratio: float, bound: float, more: str) -> bool:
    kept = ratio <= bound
    print(f"  {what}: {ratio:.2f}, bound {bound}: {'kept' if kept else 'MISSED'}   ({more})")
    return kept


def _reading(csv: Path) -> bool:
    steps = {"pandas": partial(pd.read_csv, csv), "Table": partial(prepared, csv)}
    times = interleaved(quietly(steps), before=lambda: None, seconds=30.0, rounds=(5, 15))
    ratio = times["Table"] / times["pandas"]
    more = f"{times['Table']:.2f} s, {times['pandas']:.2f} s"
    return _told("reading and preparing / pandas.read_csv", ratio, READING, more)


def _memory_of_reading(csv: Path) -> bool:
    frame = int(pd.read_csv(csv).memory_usage(deep=True).sum())
    peak = _peak("read", csv)
    more = f"{peak / 2**20:.0f} MiB over what is there before, {frame / 2**20:.0f} MiB"
    return _told("peak memory of it / the frame", peak / frame, MEMORY, more)


def _predicting_a_frame(model: Path, name: str) -> bool:
    run, frame = Trained(model), table(FEWER)
    inputs = encode(frame, run.columns)
    steps = {"bare": lambda: forward(run.model, inputs), "predict": lambda: run.predict(frame)}
    times = interleaved(quietly(steps), before=lambda: None, seconds=20.0, rounds=(5, 15))
    ratio = times["predict"] / times["bare"]
    more = f"{FEWER:,} rows, {times['predict']:.2f} s, {times['bare']:.2f} s"
    return _told(f"predicting a frame / bare forward pass, {name}", ratio, FRAME, more)


def _predicting_a_file(model: Path, csv: Path, folder: Path) -> bool:
    run = Trained(model)
    inputs = encode(pd.read_csv(csv), run.columns)
    steps = {
        "by hand": lambda: by_hand(run.model, csv, inputs, folder / "by_hand.csv"),
        "predict": lambda: run.predict_file(csv, folder / "predicted.csv"),
    }
    times = interleaved(quietly(steps), before=lambda: None, seconds=40.0, rounds=(3, 7))
    ratio = times["predict"] / times["by hand"]
    more = f"{times['predict']:.1f} s, {times['by hand']:.1f} s"
    return _told("predicting a file / pandas and bare forward pass", ratio, FILE, more)


def _memory_of_predicting(model: Path, csv: Path, fewer: Path) -> None:
    some, all_rows = (_peak("predict", each, model) / 2**20 for each in (fewer, csv))
    print(f"  memory for {FEWER:,} rows {some:.0f} MiB, for {ROWS:,} {all_rows:.0f} MiB")


def table(rows: int) -> pd.DataFrame:
    """Returns a table of 15 columns of numbers and three of words, and two that are predicted."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for place in range(12):
        columns[f"number_{place}"] = (random.normal(size=rows) * 10 ** (place % 4)).round(4)
    for place in range(2):
        columns[f"count_{place}"] = random.integers(0, 1_000, rows)
    columns["sparse"] = np.where(random.random(rows) < 0.1, np.nan, random.random(rows).round(4))
    for name, count in WORDS.items():
        words = np.array([f"{name} {number}" for number in range(count)])
        columns[name] = words[random.integers(0, count, rows)]
    noise = random.normal(size=(2, rows))
    columns["price"] = (2 * columns["number_0"] + columns["number_1"] + noise[0]).round(3)
    columns["bought"] = np.where(columns["number_4"] + noise[1] > 0, "yes", "no")
    return pd.DataFrame(columns)


def recipe(data: Path | pd.DataFrame) -> Table:
    """Returns the table as a problem."""
    names = table(1).columns.drop(list(TASKS))
    kinds = {name: "category" if name in WORDS else "number" for name in names}
    return Table(data=data, inputs=kinds, tasks=TASKS)


def prepared(csv: Path) -> dict[str, Any]:
    """Returns the tensors of the three splits."""
    return dict(recipe(csv).splits())


def trained(folder: Path, encoder: str) -> None:
    """Writes a model of the table, as drawn."""
    problem = recipe(table(20_000))
    cls = TabularMLP if encoder == TabularMLP.__name__ else TabularEncoder
    example = encode(problem.frame[:4], problem.columns)
    torch.manual_seed(0)
    sharing = Hard(cls(problem.columns))
    MultiTaskModel(sharing, problem.tasks(), example=example).save_pretrained(folder)


def forward(model: MultiTaskModel, inputs: Tensor) -> dict[str, Tensor]:
    """Returns what the heads give, without anything around it."""
    with torch.no_grad():
        found = [model(inputs[start : start + BATCH]) for start in range(0, len(inputs), BATCH)]
    return {task: torch.cat([each[task] for each in found])[:, 0] for task in TASKS}


def by_hand(model: MultiTaskModel, csv: Path, inputs: Tensor, out: Path) -> None:
    """Predicts a file as anyone would write it, with inputs that are tensors already."""
    with out.open("w") as file:
        start = 0
        for piece in pd.read_csv(csv, chunksize=PIECE):
            found = forward(model, inputs[start : start + len(piece)])
            yes = found["bought"].sigmoid().numpy()
            columns = {
                "price": found["price"].numpy(),
                "bought": np.where(yes > 0.5, "yes", "no"),
                "bought=no": 1 - yes,
                "bought=yes": yes,
            }
            pd.DataFrame(columns).to_csv(file, index=False, header=not start)
            start += len(piece)


def quietly(steps: dict[str, Callable[[], Any]]) -> dict[str, Callable[[], None]]:
    """Returns steps that give nothing back."""

    def run(step: Callable[[], Any]) -> None:
        step()

    return {name: partial(run, step) for name, step in steps.items()}


def _peak(what: str, csv: Path, *more: Path) -> int:
    """Returns by how much a fresh process grows at most, in bytes."""
    command = [sys.executable, "-m", "benchmarks.table_files", what, str(csv), *map(str, more)]
    environment = {**os.environ, **ALLOCATOR}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(found.stdout.splitlines()[-1])


def _child(what: str, csv: Path, model: Path | None = None) -> None:
    """Does it with a small table first, which loads all that is loaded once."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.csv"
        table(10_000).to_csv(small, index=False)
        for file in (small, csv):
            before = _in_use("VmRSS")
            if what == "read":
                prepared(file)
            elif model is not None:
                Trained(model).predict_file(file, Path(folder) / "out.csv")
    print(_in_use("VmHWM") - before)


def _in_use(what: str) -> int:
    """Returns the memory of this process in bytes, now (VmRSS) or at most so far (VmHWM)."""
    found = re.search(rf"{what}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _child(sys.argv[1], *map(Path, sys.argv[2:]))
    else:
        raise SystemExit(not main())
