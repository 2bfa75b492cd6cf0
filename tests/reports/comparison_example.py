"""Comparison folders as `compare` writes them, with made-up runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.runs import MetricRow
from plait.runs.comparison import write_comparison as write_file
from plait.runs.folder import COMPARISON, CONFIG
from tests.reports.example import TASKS, TRIVIAL, write_run
from tests.reports.words.made import judged
from tests.runs.made import compared, member_result, network

JOINT = {"joint": ("Joint", "", 1.0)}
FAMILIES = {
    "shared": ("Shared parameters: Hard", "min sum_t L_t, one encoder for all tasks", 1.0),
    "tied": (
        "Inter-task regularisation: PairwiseL2",
        "min sum_t L_t + lambda sum_{s<t} |theta_s - theta_t|^2, one network per task",
        0.96,
    ),
    "connected": (
        "Inter-task connections: CrossStitch",
        "min sum_t L_t, x_t <- sum_s alpha_st x_s after each stage, one network per task",
        1.03,
    ),
}
Members = dict[str, tuple[str, str, float]]  # {name: (title, formula, skill)}
Lines = list[dict[str, Any]]


def write_comparison(
    folder: Path,
    tasks: Sequence[str] = tuple(TASKS),
    *,
    members: Members = JOINT,
    seeds: Sequence[int] = (0,),
    epochs: int = 10,
    steps_per_epoch: int = 60,
    gallery: bool = True,
) -> dict[str, Any]:
    """Writes a comparison folder and returns its comparison.json."""
    size = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    place = {seed: f"seed-{seed}/" for seed in seeds}
    several = len(members) > 1
    joint: dict[str, Lines] = {}
    for index, (name, (_, _, skill)) in enumerate(members.items()):
        joint[name] = [
            write_run(
                folder / place[seed] / name,
                tuple(tasks),
                skill=skill,
                gradients=not several,
                terms=name == "tied",
                watched=name == "connected",
                gallery=gallery,
                seed=100 * seed + index,
                **size,
            )[-1]
            for seed in seeds
        ]
        if several:
            sharing = "Hard" if name == "shared" else "Separate"
            config = {"recipe": "digits", "sharing": {"name": sharing}}
            for seed in seeds:
                (folder / place[seed] / name / CONFIG).write_text(json.dumps(config))
    single = {task: f"single-{index}" for index, task in enumerate(tasks)}
    alone = {
        task: [
            write_run(
                folder / place[seed] / name,
                (task,),
                skill=(0.97, 1.04, 0.93)[index % 3],
                gradients=False,
                seed=100 * seed + index + 9,
                **size,
            )[-1]
            for seed in seeds
        ]
        for index, (task, name) in enumerate(single.items())
    }
    rows = [
        _row(task, metric, joint, alone[task])
        for task in tasks
        for metric in alone[task][0]["metrics"][task]
    ]
    found = compared(
        title="Digits in clutter: one network or three?",
        note="Synthetic scenes, 2,000 for training and 400 for the test.",
        seeds=list(seeds),
        members=[
            member_result(
                name=name,
                title=title,
                formula=formula,
                folders=[f"{place[seed]}{name}" for seed in seeds],
                seconds=[71.4 + 40 * index + seed for seed in seeds],
                parameters=412_355 + 389_233 * index,
                delta_m=[_mean(rows, name, s) for s in range(len(seeds))],
            )
            for index, (name, (title, formula, _)) in enumerate(members.items())
        ],
        single={
            task: network(
                folders=[f"{place[seed]}{name}" for seed in seeds],
                seconds=[38.2 + index for _ in seeds],
                parameters=396_940,
            )
            for index, (task, name) in enumerate(single.items())
        },
        rows=rows,
    )
    write_file(folder, judged(found, half=1.0))
    return read(folder)


def read(folder: Path) -> dict[str, Any]:
    """What comparison.json holds."""
    return json.loads((folder / COMPARISON).read_text())


def rewritten(folder: Path, found: dict[str, Any]) -> Path:
    """The folder, with another comparison.json."""
    (folder / COMPARISON).write_text(json.dumps(found))
    return folder


def _row(task: str, metric: str, joint: dict[str, Lines], alone: Lines) -> MetricRow:
    sign = -1 if metric in ("distance", "mae") else 1
    single = [line["metrics"][task][metric] for line in alone]
    values = {
        name: [line["metrics"][task][metric] for line in lines] for name, lines in joint.items()
    }
    return MetricRow(
        task=task,
        metric=metric,
        higher_is_better=sign > 0,
        trivial=[TRIVIAL.get(task, TRIVIAL["digit"])[metric] for _ in alone],
        single=single,
        joint=values,
        changes={
            name: [sign * 100 * (v - s) / s for v, s in zip(each, single, strict=True)]
            for name, each in values.items()
        },
    )


def _mean(rows: list[MetricRow], member: str, seed: int) -> float:
    """The mean over the tasks of the mean over their metrics."""
    by_task: dict[str, list[float]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row.changes[member][seed])
    means = [sum(each) / len(each) for each in by_task.values()]
    return sum(means) / len(means)
