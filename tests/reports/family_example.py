"""A families folder as the comparison of families writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.reports.example import TASKS, TRIVIAL, write_run

RUNS = (
    ("Shared parameters: Hard", "min sum_t L_t, one encoder for all tasks", "shared"),
    (
        "Inter-task regularisation: PairwiseL2",
        "min sum_t L_t + lambda sum_{s<t} |theta_s - theta_t|^2, one network per task",
        "regularised",
    ),
    (
        "Inter-task connections: CrossStitch",
        "min sum_t L_t, x_t <- sum_s alpha_st x_s after each stage, one network per task",
        "connected",
    ),
)


def write_families(
    folder: Path,
    tasks: tuple[str, ...] = tuple(TASKS),
    *,
    epochs: int = 10,
    steps_per_epoch: int = 60,
    gallery: bool = True,
) -> dict[str, Any]:
    """Writes a families folder and returns its families.json."""
    size = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    reached = {}
    for place, (_, _, name) in enumerate(RUNS):
        reached[name] = write_run(
            folder / name,
            tasks,
            skill=(1.0, 0.96, 1.03)[place],
            gradients=False,
            terms=name == "regularised",
            watched=name == "connected",
            gallery=gallery,
            seed=place,
            **size,
        )[-1]["metrics"]
        config = {"recipe": "digits", "sharing": {"name": ("Hard", "Separate", "Separate")[place]}}
        (folder / name / "config.yaml").write_text(json.dumps(config))
    rows = []
    single = {task: f"single-{index}" for index, task in enumerate(tasks)}
    for index, task in enumerate(tasks):
        skill = (0.97, 1.04, 0.93)[index % 3]
        alone = write_run(
            folder / single[task], (task,), skill=skill, gradients=False, seed=index + 9, **size
        )[-1]["metrics"][task]
        for metric, value in alone.items():
            sign = -1 if metric in ("distance", "mae") else 1
            values = {name: metrics[task][metric] for name, metrics in reached.items()}
            rows.append(
                {
                    "task": task,
                    "metric": metric,
                    "higher_is_better": sign > 0,
                    "trivial": TRIVIAL.get(task, TRIVIAL["digit"])[metric],
                    "single": value,
                    "values": values,
                    "changes": {n: sign * 100 * (v - value) / value for n, v in values.items()},
                }
            )
    found = {
        "title": "Digits in clutter: three families",
        "note": "Synthetic scenes, 2,000 for training and 400 for the test; one seed.",
        "baseline": "single",
        "runs": [
            {
                "name": title,
                "formula": formula,
                "folder": name,
                "seconds": 71.4 + 40 * place,
                "parameters": 412_355 + 389_233 * place,
                "delta_m": sum(row["changes"][name] for row in rows) / len(rows),
            }
            for place, (title, formula, name) in enumerate(RUNS)
        ],
        "single": single,
        "rows": rows,
        "seconds": {"single": {task: 38.2 + place for place, task in enumerate(tasks)}},
        "parameters": {"single": 1_190_821},
    }
    (folder / "families.json").write_text(json.dumps(found))
    return found
