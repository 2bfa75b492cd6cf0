"""``plait report``: the page anew, from the files alone."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import plait
from tests.experiments.tiny import TINY
from tests.reports.comparison_example import FAMILIES, write_comparison


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_report_is_written_anew(tmp_path: Path) -> None:
    assert plait("train", TINY, "--out", "run").code == 0
    report = Path("run/report.html")
    page = report.read_bytes()
    report.unlink()
    ran = plait("report", "run")
    assert (ran.code, ran.out, ran.err) == (0, "Report: run/report.html\n", "")
    assert report.read_bytes() == page
    shown = json.loads(plait("report", "run", "--json").out)
    assert shown["report"] == "run/report.html"
    assert shown["test"]


def test_brackets_in_a_folder_are_shown(tmp_path: Path) -> None:
    """Rich would take them for markup."""
    ran = plait("train", TINY, "epochs=1", "--out", "run[red]")
    assert "run folder: run[red]\n" in ran.out
    assert ran.out.endswith("Report: run[red]/report.html\n")


def test_a_comparison_has_a_report(tmp_path: Path) -> None:
    sizes = {"epochs": 1, "steps_per_epoch": 2, "gallery": False}
    write_comparison(tmp_path / "all", ("digit",), members=FAMILIES, **sizes)
    ran = plait("report", "all")
    assert ran.code == 0, ran.err
    assert ran.out == "Report: all/report.html\n"
    assert "CrossStitch" in Path("all/report.html").read_text()


def test_the_numbers_of_a_comparison_are_printed(tmp_path: Path) -> None:
    sizes = {"epochs": 1, "steps_per_epoch": 2, "gallery": False}
    found = write_comparison(tmp_path / "all", ("digit",), members=FAMILIES, **sizes)
    shown = json.loads(plait("report", "all", "--json").out)
    assert found.items() <= shown.items()
    ran = plait("report", "all", "--csv")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("member,seed,split,task,metric,value\n")
    assert ran.out.startswith(Path("all/comparison.csv").read_text())
    assert plait("report", "all", "--csv", "--json").code == 2
