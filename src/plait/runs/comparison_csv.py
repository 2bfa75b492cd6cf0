"""`comparison.csv`: the numbers of a comparison, one a line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from plait.runs.comparison_member import MemberResult


def as_csv(members: Sequence[MemberResult], seeds: Sequence[int]) -> str:
    """Returns the numbers as CSV: one line per member, seed, split, task and metric."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["member", "seed", "split", "task", "metric", "value"])
    for member in members:
        for place, seed in enumerate(seeds):
            for split, scores in (("validation", member.validation), ("test", member.test)):
                for task, metrics in scores.items():
                    for metric, values in metrics.items():
                        value = "" if math.isnan(values[place]) else repr(values[place])
                        out.writerow([member.name, seed, split, task, metric, value])
    return text.getvalue()
