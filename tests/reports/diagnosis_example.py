"""Diagnoses with made-up numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from plait.runs.diagnosis import (
    Affinity,
    Conflict,
    Diagnosis,
    Forecast,
    Group,
    Grouping,
    LossScale,
    Moment,
    Number,
    Opposed,
    SharedBy,
    write_diagnosis,
)
from plait.runs.events import Numbers

TASKS = ("digit", "mask", "centre", "shape")
LAYERS = ("sharing.encoder.0.conv", "sharing.encoder.0.norm", "sharing.encoder.1.conv")


def made_diagnosis(tasks: Sequence[str] = TASKS, *, layers: Sequence[str] = LAYERS) -> Diagnosis:
    """Two opposed groups: tasks at even places, and those at odd ones."""
    count, draw = len(tasks), random.Random(0)

    def matrix(low: float, high: float, *, signed: bool = False) -> list[list[Number]]:
        found: list[list[Number]] = [[None] * count for _ in tasks]
        for i in range(count):
            for j in range(i):
                value = round(draw.uniform(low, high), 4)
                found[i][j] = found[j][i] = -value if signed and (i + j) % 2 else value
        return found

    def conflict(name: str = "", parameters: int = 171_000) -> Conflict:
        cosines = matrix(0.1, 0.6, signed=True)
        known = [value for i, row in enumerate(cosines) for value in row[:i] if value is not None]
        return Conflict(
            name=name,
            parameters=parameters,
            tasks=list(tasks),
            cosine=sum(known) / len(known) if known else None,
            rate=sum(value < 0 for value in known) / len(known) if known else None,
            norms=[1.0 + i for i in range(count)],
            cosines=cosines,
            rates=matrix(0.0, 1.0),
            similarities=matrix(0.2, 1.0),
            deviations=matrix(0.01, 0.2),
            counts=[[16] * count for _ in tasks],
        )

    pairs = [(tasks[i], tasks[j]) for i in range(count) for j in range(i) if (i + j) % 2]
    groups = [list(tasks[::2]), list(tasks[1::2])] if count > 1 else [list(tasks)]
    affinity = matrix(0.0002, 0.004, signed=True)
    for i in range(count):
        affinity[i][i] = 0.02
    return Diagnosis(
        tasks=list(tasks),
        source="run",
        title="runs/digits",
        steps=1200,
        batches=16,
        sentences=[
            f"{len(pairs)} pairs of tasks are in conflict: a balancer may pay.",
            "digit and mask want the same step.",
        ],
        advice="Train the two groups apart, or try balancing=UPGrad.",
        shared=[
            SharedBy(tasks=list(tasks), parameters=171_000),
            *(SharedBy(tasks=[task], parameters=4_000 + i) for i, task in enumerate(tasks)),
        ],
        conflict=conflict(),
        layers=[conflict(name, 1_000 * i) for i, name in enumerate(layers, start=1)],
        history=[
            Moment(
                step=60 * (i + 1),
                cosine=0.3 - 0.03 * i,
                rate=0.2 + 0.03 * i,
                similarity=0.6,
                shares=dict.fromkeys(tasks, 1 / count),
            )
            for i in range(20)
        ],
        opposed=[
            Opposed(first=a, second=b, cosine=-0.3, low=-0.42, high=-0.18, rate=0.9)
            for a, b in pairs
        ],
        shares={
            task: (1.2 if i == 0 else -0.2 / max(count - 1, 1)) for i, task in enumerate(tasks)
        },
        balanced_shares=dict.fromkeys(tasks, 1 / count),
        losses={
            task: LossScale(first=2.3 * 4.0**i, loss=0.4 * 3.0**i, norm=0.1 * 5.0**i, batches=16)
            for i, task in enumerate(tasks[:8])
        },
        flags={"Pareto-stationary": 3},
        watched={
            "MMoE: gates": Numbers(
                shares=True,
                rows={
                    task: {"expert 1": 0.7, "expert 2": 0.25, "expert 3": 0.05} for task in tasks
                },
            )
        },
        warnings=["the gate of mask has collapsed"],
        affinity=Affinity(method="TAG", values=affinity, batches=16, step=0.001),
        grouping=Grouping(
            groups=[Group(tasks=each, gains=dict.fromkeys(each, 0.0012)) for each in groups],
            gain=0.0012,
            search="exact",
            check_seconds=620.0,
            check="plait compare config.yaml --members groups.yaml --seeds 3",
        ),
        forecast=[
            Forecast(balancer="Equal", seconds=0.0121, ratio=1, memory=213_000_000, passes="1"),
            Forecast(
                balancer="UPGrad",
                seconds=0.0343,
                ratio=2.83,
                memory=395_000_000,
                passes="4",
                route="rows",
            ),
            Forecast(
                balancer="GLS",
                seconds=None,
                ratio=None,
                memory=None,
                passes="1",
                why="a loss can be negative",
            ),
        ],
        notes=["Affinities are those at the end of the training."],
    )


def write(folder: Path, found: Diagnosis) -> Path:
    """Writes a folder that holds a diagnosis alone."""
    folder.mkdir(parents=True, exist_ok=True)
    write_diagnosis(folder, found)
    return folder
