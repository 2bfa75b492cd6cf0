"""Bad tables: one message that names file, row and column, exit code 2, no file written."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from plait import fit
from tests.cli.shell import Ran, plait
from tests.recipes.a_table import settings, table, written

SHORT: dict[str, Any] = {"epochs": 1, "device": "cpu", "encoder": "TabularMLP"}
TOO_LONG = "x" * (20 * 2**20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the table."""
    folder = tmp_path_factory.mktemp("bad")
    written(folder)
    described(folder, "table.csv")
    assert plait("train", folder / "config.yaml", "--out", folder / "run").code == 0
    return folder / "run"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def described(folder: Path, name: str, **more: Any) -> Path:
    """Writes a file of settings for a table."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"table": name, **settings(**more)}, sort_keys=False))
    return path


def refused(ran: Ran) -> str:
    """Returns the message of a command that is refused and has written nothing."""
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    return ran.err.partition("plait: error: ")[2]


def with_cell(column: str, row: int, value: object) -> pd.DataFrame:
    """The table with another value in a row, counted from 1."""
    frame = table().astype({column: object})
    frame.loc[row - 1, column] = value
    return frame


def trained(frame: pd.DataFrame, **more: Any) -> str:
    """Returns the message of a training on a table, which is refused."""
    before = {written(Path(), frame), described(Path(), "table.csv", **more)}
    said = refused(plait("train", "config.yaml", "--out", "run"))
    assert set(Path().iterdir()) == before
    return said


def in_use(run: Path, frame: pd.DataFrame, *, labels: bool = False) -> str:
    """Returns what predict (without labels) and evaluate say of a table that they refuse."""
    written(Path(), frame, "new.csv")
    said = refused(plait("evaluate", run, "new.csv"))
    if not labels:
        assert refused(plait("predict", run, "new.csv", "-o", "out.csv")) == said
    assert [path.name for path in Path().iterdir()] == ["new.csv"]
    return said


NO_TABLES = [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "{0} is no text: it has zero bytes. Is it a table in CSV?"),
    ("naïve,b\n1,2\n".encode("latin-1"), "{0} must be text in UTF-8. Save it in that encoding."),
    (b"<html>\n<p>one, two, three</p>\n</html>\n", "{0} cannot be read as a table: "),
    (b"a,b\n1,2\n1,2,3\n", "There is a separator too many in line 3"),
    (b'a,b\n1,"2\n', "{0} cannot be read as a table: "),
    (b"a,b,a\n1,2,3\n", "{0} has several columns of the name 'a'. Rename all but one."),
    (b"a,b\n", "the table {0} is empty: there is no row of data in it."),
    (b"", "the table {0} is empty: there is no row of data in it."),
]


@pytest.mark.parametrize(("content", "words"), NO_TABLES)
def test_what_is_no_table(run: Path, content: bytes, words: str) -> None:
    path = Path("new.csv")
    path.write_bytes(content)
    config = described(Path(), "new.csv")
    for command in (("init", path), ("evaluate", run, path), ("predict", run, path)):
        assert words.format("new.csv") in refused(plait(*command))
    assert words.format(path.resolve()) in refused(plait("train", config, "--out", "run"))
    assert set(Path().iterdir()) == {path, config}


CELLS = [
    ("age", "old", "column 'age' of {0} must be a number; found 'old' in row 41."),
    ("age", "inf", "column 'age' of {0} must be finite; found 'inf' in row 41."),
    ("joined", "1.2.2020", "'joined' of {0} must be a date of the form ISO 8601; found '1.2.2020'"),
    ("scan", "[1, 2, 3]", "'scan' of {0} must be a list of 2 numbers; found '[1, 2, 3]' in row 41"),
    ("town", TOO_LONG, "column 'town' of {0} must be at most 16 MB long; found 'xxx"),
    ("likes", TOO_LONG, "column 'likes' of {0} must be at most 16 MB long; found 'xxx"),
]


@pytest.mark.parametrize(("column", "value", "words"), CELLS, ids=lambda value: str(value)[:9])
def test_a_cell_of_an_input(run: Path, column: str, value: str, words: str) -> None:
    frame = with_cell(column, 41, value)
    said = in_use(run, frame)
    assert words.format("new.csv") in said
    assert "in row 41. Correct it, give the column another kind, or list words that" in said
    Path("new.csv").unlink()
    said = trained(frame)
    assert words.format("table.csv") in said
    assert "in row 41" in said


LABELS = [
    ("spend", "much", "column 'spend' of new.csv must be a number; found 'much' in row 41."),
    ("plan", "gold", "column 'plan' of new.csv has the class 'gold' in row 41, which the training"),
]


@pytest.mark.parametrize(("column", "value", "words"), LABELS)
def test_a_cell_of_a_label(run: Path, column: str, value: str, words: str) -> None:
    assert words in in_use(run, with_cell(column, 41, value), labels=True)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".csv.gz"])
def test_rows_are_counted_in_the_file_and_not_in_a_piece_of_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("plait.experiments.trained.PIECE", 7)
    for column, value in (("age", "old"), ("plan", "gold")):
        frame, path = with_cell(column, 41, value), Path(f"new{suffix}")
        if "json" in suffix:
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_csv(path, index=False)
        assert f"{value!r} in row 41" in refused(plait("evaluate", run, path))


def test_rows_of_parquet_are_counted_in_the_file(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("plait.experiments.trained.PIECE", 7)
    frame = with_cell("plan", 41, "gold")
    frame.set_index("id").to_parquet("new.parquet")
    assert "'gold' in row 41" in refused(plait("evaluate", run, "new.parquet"))
    refused(plait("predict", run, "new.parquet", "--keep", "idd"))
    assert plait("predict", run, "new.parquet", "--keep", "id").code == 0
    assert pd.read_csv("predictions.csv")["id"].tolist() == frame["id"].tolist()


def test_a_missing_column(run: Path) -> None:
    lacking = table().drop(columns=["town", "likes"])
    words = "lacks 2 columns that are needed: 'town', 'likes'; it has id, age, member"
    assert f"new.csv {words}" in in_use(run, lacking)
    Path("new.csv").unlink()
    assert f"table.csv {words}" in trained(lacking)
    assert "task 'plan' reads the column 'plan'" in trained(table().drop(columns="plan"))
    assert "table.csv lacks 1 column that is needed: 'fold'" in trained(
        table().drop(columns="fold")
    )


def test_a_table_that_was_not_the_one_trained_on(run: Path) -> None:
    said = in_use(run, pd.DataFrame({"acidity": [7.4], "spend": [3.0]}))
    assert "new.csv lacks 6 columns that are needed: 'age', 'town', 'member', 'joined'," in said
    assert "it has acidity, spend. Is it the right table?" in said


def test_all_labels_of_a_task_are_missing() -> None:
    said = trained(table().assign(spend=None))
    assert "task 'spend' has no label: the column 'spend' of table.csv is empty. Name" in said
    folds = ["train"] * 40 + ["val", "test"] * 10
    said = trained(table().assign(fold=folds, plan=[None] * 40 + ["a", "b"] * 10))
    assert "task 'plan' has no label in the training rows of table.csv" in said


def test_files_of_settings_from_strangers(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "config.yaml"
    described(tmp_path, "table.csv", encoder="os:getcwd")
    assert "'os:getcwd' is no encoder: it must be a subclass" in refused(plait("train", path))
    path.write_text("table: table.csv\nrecipe: !!python/object/apply:os.getcwd []\n")
    assert "is not valid YAML: could not determine a constructor" in refused(plait("train", path))
    nine = ", ".join("*{0}" for _ in range(9))
    lines = [f"{b}: &{b} [{nine.format(a)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    path.write_text("\n".join(["a: &a [1]", *lines]))
    assert "has more than 1,000,000 values" in refused(plait("train", path))
    for text in ("a: &a [*a]", f"a: {'[' * 5000}"):
        path.write_text(text)
        refused(plait("train", path))


def test_a_table_or_a_run_where_a_file_of_settings_is_wanted(run: Path) -> None:
    for name in ("new.csv", "./new.csv.gz", "a/NEW.CSV", "new.parquet"):
        assert f"{name} is a table. Let `plait init {name}`" in refused(plait("train", name))
    assert f"to go on with a run: `plait train --resume {run}`" in refused(plait("train", run))
    assert "is a table" not in refused(plait("train", "new.csv.yaml"))  # settings named after one


def test_columns_to_leave_out_are_a_list() -> None:
    written(Path())
    said = refused(plait("train", described(Path(), "table.csv"), "exclude=age"))
    assert (
        said
        == "setting 'exclude': input should be a valid list or a valid dictionary; found 'age'.\n"
    )


def test_a_run_on_a_frame_goes_on_with_a_file(run: Path) -> None:
    fit(table(), ["spend"], run="run", progress=False, **SHORT)
    said = refused(plait("train", "--resume", "run", "epochs=2"))
    assert "was trained on a frame in memory" in said
    assert "`plait train --resume run table=table.csv`" in said
    written(Path())
    assert plait("train", "--resume", "run", "epochs=2", "table=table.csv").code == 0
    assert plait("evaluate", "run", "table.csv").code == 0


def test_what_cannot_be_written(run: Path) -> None:
    written(Path())
    Path("file").write_text("")
    for name in ("file/out.csv", "file/a/out.csv.gz"):
        said = refused(plait("predict", run, "table.csv", "-o", name))
        assert f"{name} cannot be written: " in said
    said = refused(plait("init", "table.csv", "-o", "file/a.yaml"))
    assert "file/a.yaml cannot be written: " in said
