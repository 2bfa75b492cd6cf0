"""A published table that trains in a moment; its figures are made up."""

import math

from plait.experiments.reproduce.published import PLAIN, Column, PublishedTable, Row
from tests.experiments.tiny import TINY

TABLE = PublishedTable(
    name="tiny",
    title="Squares: accuracy in per cent",
    source="Nobody, 1999",
    settings={"recipe": {"class": TINY, "examples": 16}, "tasks": ["quarter", "mask"]},
    full={"epochs": 3},
    length="2 epochs; 3 with --full",
    rows=(
        Row(name="single", title="Single-task", published=(50.0, math.nan)),
        Row(name="uniform", title="Uniform", published=(1000.0, 0.5), settings=PLAIN),
        Row(name="ours", title="Ours", settings={**PLAIN, "balancing": "MGDA"}),
    ),
    columns=(
        Column(title="Quarter", task="quarter", metric="accuracy", factor=100),
        Column(title="Mask, held out", task="mask", metric="iou", split="validation"),
    ),
    within=100.0,
    differs=("Nothing is as in the source.",),
)
