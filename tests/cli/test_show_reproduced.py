"""A reproduced table on stdout: ours beside the source's, and where we do not agree."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from plait.cli.show_reproduced import descents, reproduced, verdict
from plait.runs.reproduced import Figures, Reproduced, ReproducedRow
from tests.runs.descents_made import descents as made_descents

FOUND = Reproduced(
    name="digits",
    title="Digits",
    source="A paper, 2018",
    differs=["The rate is ours."],
    length="2 epochs",
    columns=["Left", "Right"],
    within=0.5,
    rows=[
        ReproducedRow(
            name="single",
            title="Single-task",
            figures=[
                Figures(ours=[97.0, 97.2], published=97.23, agreement="as published"),
                Figures(ours=[94.0, 95.0], published=95.9, agreement="below"),
            ],
        ),
        ReproducedRow(
            name="ours",
            title="[Ours]",
            figures=[Figures(ours=[0.7251, 0.7253]), Figures(ours=[math.nan, 95.0])],
            failed="the loss is not finite",
        ),
    ],
    seeds=[0, 1],
    command="plait reproduce digits",
    seconds=150.0,
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_figures_stand_beside_those_of_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    reproduced(FOUND, Path("report.html"), as_json=False)
    out = capsys.readouterr().out
    for text in ("97.10 ± 0.14", "97.23", "94.50 ± 0.71", "below", "0.7252 ± 0.00014", "[Ours]"):
        assert text in out
    assert "[Ours]: the loss is not finite" in out
    assert "2 seeds, mean ± deviation; 2 epochs; 2 minutes." in out
    assert "Source: A paper, 2018." in out and "The rate is ours." in out


def test_the_verdict_names_what_is_not_as_published() -> None:
    assert verdict(FOUND) == (
        "1 of 2 figures are as published, to 0.5; not so: Single-task, Right (-1.4)."
    )
    failed = replace(FOUND.rows[0].figures[1], ours=[math.nan], agreement="failed")
    row = replace(FOUND.rows[0], figures=[FOUND.rows[0].figures[0], failed])
    assert "Right (no figure)" in verdict(replace(FOUND, rows=[row]))


def test_json_has_all_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    reproduced(FOUND, Path("report.html"), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["figures"][0] == {
        "ours": [97.0, 97.2],
        "published": 97.23,
        "agreement": "as published",
    }
    assert found["rows"][1]["figures"][1]["ours"] == [None, 95.0]
    assert found["report"] == "report.html"


def test_descents_are_a_table_with_the_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    descents(made_descents(), Path("report.html"), as_json=False)
    out = capsys.readouterr().out
    assert out.index("Good *") < out.index("Stuck")
    assert "2 of 2" in out and "Other: reads <two> batches." in out
    descents(made_descents(), Path("report.html"), as_json=True)
    assert json.loads(capsys.readouterr().out)["methods"][0]["name"] == "Stuck"
