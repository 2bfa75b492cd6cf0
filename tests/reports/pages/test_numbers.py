"""The numbers for programs are those of the files, and those that the page derives from them."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.reports import report_csv, report_numbers, write_report
from plait.runs.diagnosis import write_diagnosis
from tests.reports.comparison_example import FAMILIES, read, rewritten, write_comparison
from tests.reports.diagnosis_example import made_diagnosis, write
from tests.reports.example import write_run
from tests.reports.page import read_page

SMALL = {"epochs": 2, "steps_per_epoch": 2, "gallery": False}


def table(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report_csv(folder))))


def test_a_comparison_is_its_file_with_what_follows_from_it(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, members=FAMILIES, seeds=(0, 1), **SMALL)
    numbers = report_numbers(tmp_path)
    assert found.items() <= numbers.items()
    json.dumps(numbers, allow_nan=False)
    assert set(numbers["standing"]) == {"single", *FAMILIES}
    parameters = sum(each["parameters"] for each in found["baseline"]["networks"].values())
    for member in found["members"]:
        costs = numbers["costs"][member["name"]]
        assert costs["times_parameters"] == costs["parameters"] / parameters
    page = " ".join(read_page(write_report(tmp_path)).text.split())
    sentences = numbers["sentences"]
    assert sentences["negative_transfer"]
    for text in (sentences["headline"], sentences["action"], *sentences["negative_transfer"]):
        assert " ".join(text.split()) in page


def test_its_csv_has_every_value_and_every_change(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, members=FAMILIES, seeds=(3, 4), **SMALL)
    rows = table(tmp_path)
    assert len({tuple(list(row.values())[:-1]) for row in rows}) == len(rows)
    values = {tuple(list(row.values())[:-1]): row["value"] for row in rows}
    for member in [found["baseline"], *found["members"]]:
        for task, metrics in member["test"].items():
            for metric, each in metrics.items():
                for seed, value in zip((3, 4), each, strict=True):
                    where = (member["name"], str(seed), "test", task, metric)
                    assert float(values[where]) == value
    for change in found["changes"]:
        where = (change["member"], "all", "test", change["task"], f"{change['metric']}: change low")
        assert float(values[where]) == change["low"]
    assert float(values["tied", "all", "", "", "parameters"]) == 412_355 + 389_233


def test_what_is_not_defined_is_empty(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), **SMALL)
    found["members"][0]["test"]["digit"]["accuracy"] = [None]
    rewritten(tmp_path, found)
    (row,) = [
        row
        for row in table(tmp_path)
        if (row["member"], row["metric"], row["split"]) == ("joint", "accuracy", "test")
    ]
    assert row["value"] == ""
    assert report_numbers(tmp_path)["members"][0]["test"]["digit"]["accuracy"] == [None]
    assert read(tmp_path) == found


def test_a_run_has_its_metrics(tmp_path: Path) -> None:
    events = write_run(tmp_path / "mine", epochs=2, steps_per_epoch=2)
    numbers = report_numbers(tmp_path / "mine")
    assert numbers["test"] == events[-1]["metrics"]
    assert numbers["headline"].startswith("On the test data")
    assert "diagnosis" not in numbers
    rows = [row for row in table(tmp_path / "mine") if row["split"] == "test"]
    assert {row["member"] for row in rows} == {"mine"}
    for row in rows:
        assert float(row["value"]) == events[-1]["metrics"][row["task"]][row["metric"]]


def test_a_run_that_was_never_evaluated_has_none(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=2, tested=False)
    path = tmp_path / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"evaluation"' not in line))
    numbers = report_numbers(tmp_path)
    assert numbers["test"] is numbers["validation"] is numbers["score"] is None
    assert table(tmp_path) == []


def test_a_diagnosis_is_its_file(tmp_path: Path) -> None:
    found = made_diagnosis()
    alone = report_numbers(write(tmp_path / "alone", found))
    assert alone["affinity"]["values"] == found.affinity.values if found.affinity else None
    with pytest.raises(DataError, match=r"no events\.jsonl and no comparison\.json"):
        report_csv(tmp_path / "alone")
    write_run(tmp_path / "run", epochs=1, steps_per_epoch=2)
    write_diagnosis(tmp_path / "run", found)
    assert report_numbers(tmp_path / "run")["diagnosis"] == alone


def test_a_folder_without_anything_is_refused(tmp_path: Path) -> None:
    for each in (report_numbers, report_csv):
        with pytest.raises(DataError, match=r"holds no events\.jsonl"):
            each(tmp_path)


def test_a_number_is_written_whole(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), **SMALL)
    value = found["baseline"]["test"]["digit"]["accuracy"][0]
    assert any(row["value"] == repr(value) for row in table(tmp_path))
    assert not any(row["value"] in ("nan", "None") for row in table(tmp_path))
    assert math.isfinite(value)
