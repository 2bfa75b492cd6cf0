from pathlib import Path

import yaml

from tests.cli.shell import plait
from tests.recipes.a_table import table, written

SHORT = ("epochs=1", "device=cpu", "encoder=TabularMLP")


def test_a_table_becomes_a_file_that_trains(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    written(tmp_path / "data")
    ran = plait("init", "data/table.csv", "--targets", "spend,plan")
    assert (ran.code, "then: plait train table.yaml" in ran.out) == (0, True)
    found = yaml.safe_load(Path("table.yaml").read_text())
    assert found["table"] == "data/table.csv"
    assert list(found["tasks"]) == ["spend", "plan"]
    ran = plait("train", "table.yaml", *SHORT)
    assert ran.code == 0
    assert Path("runs/table/report.html").is_file()
    assert plait("predict", "runs/table", "data/table.csv").code == 0
    assert len(Path("predictions.csv").read_text().splitlines()) == len(table()) + 1


def test_a_file_is_never_written_over(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    Path("table.yaml").write_text("mine")
    ran = plait("init", "table.csv")
    assert (ran.code, "table.yaml is there already" in ran.err) == (2, True)
    assert Path("table.yaml").read_text() == "mine"
    Path("sub").mkdir()
    assert plait("init", "table.csv", "-o", "sub/mine.yaml").code == 0
    assert yaml.safe_load(Path("sub/mine.yaml").read_text())["table"] == "../table.csv"


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    ran = plait("init", tmp_path / "x.csv", "-o", tmp_path / "x.yaml")
    assert (ran.code, "x.csv is empty" in ran.err) == (2, True)
    assert not (tmp_path / "x.yaml").exists()
