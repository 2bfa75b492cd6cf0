"""The numbers of a comparison, one a line."""

import csv
import io
from dataclasses import replace

from plait.runs.comparison_csv import as_csv
from tests.runs.test_comparison import TWO


def test_each_number_has_a_line() -> None:
    nothing = [float("nan"), 2.5]
    baseline = replace(TWO.baseline, validation={"a": {"m": nothing}})
    lines = list(csv.DictReader(io.StringIO(as_csv([baseline, *TWO.members], TWO.seeds))))
    assert len(lines) == 2 + 3 * 2 * 3, "validation of one metric; three metrics of three rows"
    assert lines[0] == {
        "member": "single",
        "seed": "0",
        "split": "validation",
        "task": "a",
        "metric": "m",
        "value": "",
    }
    values = {
        (line["member"], line["seed"], line["task"], line["metric"]): float(line["value"])
        for line in lines
        if line["split"] == "test"
    }
    assert values["x", "1", "a", "n"] == TWO.members[0].test["a"]["n"][1]
