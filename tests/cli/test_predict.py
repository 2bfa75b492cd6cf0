import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from sklearn.datasets import load_diabetes

from plait.data.table import read_table
from plait.experiments.trained import Trained
from tests.cli.shell import plait
from tests.recipes.a_table import settings, table, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, its file of settings, and a run on it."""
    place = tmp_path_factory.mktemp("predict")
    written(place)
    (place / "table.yaml").write_text(
        yaml.safe_dump({"table": "table.csv", **settings()}, sort_keys=False)
    )
    assert plait("train", place / "table.yaml", "--out", place / "run").code == 0
    return place


def test_predictions_go_to_a_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    words = ("--tasks", "spend,left", "--keep", "id")
    ran = plait("predict", folder / "run", folder / "table.csv", "-o", out, *words)
    assert (ran.code, ran.out) == (0, f"60 rows: {out}\n")
    found = read_table(out)
    assert found.columns.tolist() == ["id", "spend", "left", "left=here", "left=gone"]
    assert found["id"].tolist() == table()["id"].tolist()


def test_what_the_training_did_not_have_is_said(folder: Path, tmp_path: Path) -> None:
    new = written(tmp_path, table().assign(town="Oslo"))
    ran = plait("predict", folder / "run", new, "-o", tmp_path / "out.csv")
    assert ran.code == 0
    assert "60 of 60 rows have a value in 'town' that the training had once or never" in ran.err


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age", "old", "column 'age' of new.csv must be a number; found 'old' in row 1"),
        ("town", None, None),
        ("town", "b" * (20 * 2**20), "column 'town' of new.csv must be at most 16 MB long"),
        ("joined", "1.1.2020", "'joined' of new.csv must be a date of the form ISO 8601"),
        ("scan", "[1, 2, 3]", "'scan' of new.csv must be a list of 2 numbers"),
    ],
)
def test_cells_that_cannot_be_read(
    folder: Path, tmp_path: Path, column: str, value: str | None, words: str | None
) -> None:
    new = written(tmp_path, table(3).assign(**{column: [value, *table(3)[column][1:]]}), "new.csv")
    ran = plait("predict", folder / "run", new, "-o", tmp_path / "out.csv")
    assert ran.code == (0 if words is None else 2)
    if words is not None:
        assert words in ran.err
        assert not (tmp_path / "out.csv").exists()


def test_a_table_that_was_not_the_one_trained_on(folder: Path, tmp_path: Path) -> None:
    new = written(tmp_path, table(3)[["id", "age"]])
    ran = plait("predict", folder / "run", new)
    assert ran.code == 2
    assert "lacks 5 columns that are needed: 'town', 'member', 'joined', 'likes', 'scan'" in ran.err
    ran = plait("predict", folder / "run", new, "-o", new)
    assert (ran.code, "names the table itself" in ran.err) == (2, True)


def test_a_run_folder_that_is_no_run(tmp_path: Path) -> None:
    for command in ("predict", "evaluate"):
        ran = plait(command, tmp_path, "x.csv")
        assert (ran.code, "is no run: it has no model" in ran.err) == (2, True)
        ran = plait(command, tmp_path / "nowhere", "x.csv")
        assert (ran.code, "there is no folder" in ran.err) == (2, True)


def test_a_preference_is_for_a_model_that_serves_any(folder: Path, tmp_path: Path) -> None:
    trained, out = tmp_path / "run", tmp_path / "out.csv"
    settings = ("sharing=PaLoRA", "epochs=1")
    assert plait("train", folder / "table.yaml", *settings, "--out", trained).code == 0
    words = ("--preference", "spend=2,plan=0", "--preference", "left=0,topics=2")
    ran = plait("predict", trained, folder / "table.csv", "-o", out, *words)
    assert ran.code == 0
    assert "preference: spend 50 %, plan 0 %, left 0 %, topics 50 %" in ran.err
    wanted = {"spend": 1.0, "plan": 0.0, "left": 0.0, "topics": 1.0}
    expected = Trained(trained).predict(table(), ["spend"], preference=wanted)
    assert read_table(out)["spend"].tolist() == pytest.approx(expected["spend"].tolist(), rel=1e-4)
    ran = plait("evaluate", trained, folder / "table.csv", "--json", *words)
    found = json.loads(ran.out)["metrics"]
    assert found == Trained(trained).evaluate(table(), preference=wanted).metrics


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_preferences_that_are_refused(folder: Path, command: str) -> None:
    for words, message in (
        ("spend=2", "found sharing.Hard, which serves one"),
        ("spend", "must be TASK=NUMBER, as in quality=3; found 'spend'"),
        ("spend=many", "must be TASK=NUMBER, as in quality=3; found 'spend=many'"),
        ("spend=1,spend=2", "--preference names 'spend' twice"),
    ):
        ran = plait(command, folder / "run", folder / "table.csv", "--preference", words)
        assert (ran.code, message in ran.err) == (2, True)


def test_the_commands_of_the_guide_are_what_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/families.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"## A preference after the training\n(.*?)\n## ", page, re.DOTALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    load_diabetes(as_frame=True, scaled=False).frame.to_csv("diabetes.csv", index=False)
    assert plait("init", "diabetes.csv", "--targets", "target,bp,sex").code == 0
    for line in commands.splitlines():
        words = shlex.split(line)[1:]
        ran = plait(*words, *(("epochs=2", "device=cpu") if words[0] == "train" else ()))
        assert ran.code == 0, ran.err
    assert "preference: sex 0 %, bp 0 %, target 100 %" in ran.err
