"""The numbers of a page for programs: as one mapping, or as lines of CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plait.core.errors import DataError
from plait.core.typed_json import without_nan
from plait.reports.pages.standing import standings
from plait.reports.read.run import Run, read_run
from plait.reports.words.advice import action
from plait.reports.words.findings import failure_sentences, noise_sentence, transfer_sentences
from plait.reports.words.headline import headline, run_headline
from plait.runs import Comparison
from plait.runs.comparison import mean, read_comparison
from plait.runs.comparison_csv import as_csv
from plait.runs.diagnosis import read_diagnosis
from plait.runs.folder import COMPARISON, DIAGNOSIS, EVENTS

HEAD = ["member", "seed", "split", "task", "metric", "value"]
Line = list[Any]


def numbers_of(folder: Path) -> dict[str, Any]:
    """Returns all that the page of a folder has as a number or a finding, ready for JSON.

    Of a comparison: what `comparison.json` holds, with each member's "standing" and costs against
    the separate networks, and the sentences. Of a run: its metrics, and its diagnosis if there is
    one. Of a diagnosis: what `diagnosis.json` holds. What is not defined is None.

    Raises:
        DataError: the folder holds none of these, or a file is broken.
    """
    if (folder / COMPARISON).exists():
        found: Any = _of_comparison(read_comparison(folder))
    elif (folder / EVENTS).exists():
        found = _of_run(read_run(folder))
        if (folder / DIAGNOSIS).exists():
            found["diagnosis"] = asdict(read_diagnosis(folder))
    elif (folder / DIAGNOSIS).exists():
        found = asdict(read_diagnosis(folder))
    else:
        raise DataError(
            f"{folder} holds no {EVENTS}, no {COMPARISON} and no {DIAGNOSIS}. "
            "Give the folder of a training run, of a comparison or of a diagnosis."
        )
    numbers: dict[str, Any] = without_nan(found)
    return numbers


def csv_of(folder: Path) -> str:
    """Returns the numbers of a folder as CSV: member, seed, split, task, metric, value.

    Of a comparison: the lines of `comparison.csv`, then the derived numbers, whose seed is "all":
    changes with their intervals and p-values, ranks, costs. Of a run: its metrics, under the name
    of its folder.

    Raises:
        DataError: the folder holds neither, or a file is broken.
    """
    if (folder / COMPARISON).exists():
        found = read_comparison(folder)
        return as_csv(found.rows_of_table, found.seeds) + _lines(_derived(found))
    if (folder / EVENTS).exists():
        lines = _run_lines(folder.resolve().name, read_run(folder))
        return _lines([HEAD, *lines])
    raise DataError(
        f"{folder} holds no {EVENTS} and no {COMPARISON}. "
        "Give the folder of a training run or of a comparison."
    )


def _of_comparison(found: Comparison) -> dict[str, Any]:
    sentences = {
        "headline": headline(found),
        "action": action(found),
        "negative_transfer": transfer_sentences(found),
        "failures": failure_sentences(found),
        "noise": noise_sentence(found),
    }
    standing = {name: asdict(each) for name, each in standings(found).items()}
    costs = {member.name: _costs(found, member.name) for member in found.rows_of_table}
    return {**asdict(found), "standing": standing, "costs": costs, "sentences": sentences}


def _costs(found: Comparison, name: str) -> dict[str, float]:
    """Returns the costs of a member, means over the seeds, its networks together."""
    member = next(each for each in found.rows_of_table if each.name == name)
    seconds, base = mean(member.seconds), found.baseline
    return {
        "seconds": seconds,
        "step_seconds": mean(member.step_seconds),
        "memory": mean(member.memory),
        "parameters": member.parameters,
        "size": member.size,
        "times_seconds": seconds / mean(base.seconds) if mean(base.seconds) > 0 else math.nan,
        "times_parameters": member.parameters / base.parameters if base.parameters else math.nan,
    }


def _derived(found: Comparison) -> Iterator[Line]:
    for change in found.changes:
        numbers = {
            "change": change.mean,
            "change deviation": change.deviation,
            "change low": change.low,
            "change high": change.high,
            "p": change.p,
            "p corrected": change.adjusted,
        }
        for name, value in numbers.items():
            yield [change.member, "all", "test", change.task, f"{change.metric}: {name}", value]
    for name, standing in standings(found).items():
        yield [name, "all", "test", "", "mean rank", standing.mean_rank]
        yield [name, "all", "test", "", "improvability", standing.improvability]
    for member in found.rows_of_table:
        for cost, value in _costs(found, member.name).items():
            yield [member.name, "all", "", "", cost, value]


def _of_run(run: Run) -> dict[str, Any]:
    best, test = run.best, run.test
    return {
        "headline": run_headline(run),
        "seconds": run.seconds,
        "best_epoch": None if best is None else best.epoch,
        "score": None if best is None else best.score,
        "validation": None if best is None else best.metrics,
        "test": None if test is None else test.metrics,
        "trivial": None if test is None else test.trivial,
        "undefined": None if test is None else test.undefined,
    }


def _run_lines(name: str, run: Run) -> Iterator[Line]:
    seed = (run.config or {}).get("seed", "")
    for split, shown in (("validation", run.best), ("test", run.test)):
        for task, metrics in (shown.metrics if shown else {}).items():
            for metric, value in metrics.items():
                yield [name, seed, split, task, metric, value]


def _lines(rows: Any) -> str:
    """Returns rows as CSV; a number is written whole, and one that is not defined is empty."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    for row in rows:
        *names, value = row
        whole = repr(value) if isinstance(value, float) else value
        out.writerow([*names, "" if value != value else whole])
    return text.getvalue()
