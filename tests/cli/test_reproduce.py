"""`plait reproduce`: the list, a shortened table, and words that make no sense."""

import json
from pathlib import Path

import pytest

from plait.cli.reproduce import TABLES
from plait.experiments.reproduce import tables
from plait.runs.descents import read_descents
from plait.runs.reproduced import read_reproduced
from tests.cli.shell import plait
from tests.experiments.reproduce.tiny_table import TABLE
from tests.recipes.table_folders import school, write


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_without_a_name_the_tables_are_listed() -> None:
    ran = plait("reproduce")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == list(TABLES)
    assert set(tables.TABLES) | {"toy", "school"} == set(TABLES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tox-21"], "Did you mean 'tox21'"),
        (["toy", "step=3"], "Did you mean 'steps'"),
        (["toy", "methods=PCGard"], "Did you mean 'PCGrad'"),
        (["tox21", "epoch=3"], "Did you mean 'epochs'"),
        (["toy", "steps=0"], "`steps` must be"),
        (["toy", "steps=many"], "`steps` must be"),
        (["toy", "scale=-1"], "`scale` must be"),
        (["toy", "scale=x"], "`scale` must be"),
        (["toy", "methods="], "unknown balancer"),
        (["toy", "--full"], "toy has no --full"),
        (["toy", "--data", "here"], "toy has no --data"),
        (["school", "--jobs", "2"], "school has no --jobs"),
        (["school", "steps=x", "--data", "here"], "`steps` must be"),
        (["school", "step=3"], "Did you mean 'steps'"),
        (["tox21", "toy"], "name one problem"),
    ],
)
def test_wrong_words_are_refused(words: list[str], message: str) -> None:
    ran = plait("reproduce", *words)
    assert ran.code == 2
    assert message in ran.err
    assert not Path("runs").exists()


def test_the_toy_is_shown_and_goes_on(tmp_path: Path) -> None:
    words = ("reproduce", "toy", "methods=[MGDA, MoDo]", "steps=20", "scale=1", "--out", "toy")
    ran = plait(*words)
    assert ran.code == 0, ran.err
    found = read_descents(Path("toy"))
    assert [method.name for method in found.methods] == ["MGDA", "MoDo"]
    assert "0 of 5" in ran.out and "MoDo: reads several" in ran.out
    assert ran.out.endswith("Report: toy/report.html\n")
    assert json.loads(plait(*words, "--json").out)["steps"] == 20
    assert plait(*words, "steps=21").code == 2


def test_school_is_shown(tmp_path: Path) -> None:
    data = write(tmp_path / "data", "school", school())
    ran = plait("reproduce", "school", "steps=2", "--seeds", "2", "--data", data)
    assert ran.code == 0, ran.err
    assert "TraceNorm: multi-task feature learning" in ran.out and "37.10" in ran.out
    assert read_reproduced(Path("runs/reproduce-school")).seeds == [0, 1]


def test_a_table_is_trained_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.TABLES, "tox21", TABLE)
    ran = plait("reproduce", "tox21", "epochs=1", "--seeds", "1")
    assert ran.code == 0, ran.err
    found = read_reproduced(Path("runs/reproduce-tox21"))
    assert found.seeds == [0] and found.settings["epochs"] == 1
    assert "Squares: accuracy in per cent" in ran.out
    assert "2 of 3 figures are as published" in ran.out
    assert Path("runs/reproduce-tox21/report.html").is_file()
    again = plait("reproduce", "tox21", "epochs=1", "--seeds", "1", "--json")
    assert json.loads(again.out)["name"] == "tiny"
