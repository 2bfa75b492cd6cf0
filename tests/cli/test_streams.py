"""A Parquet file or folder that is streamed, from the command line."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

import plait as library
from plait.data.streams import first_look
from tests.cli.shell import plait
from tests.data.streams.tables import frame, written

pytest.importorskip("pyarrow")

SHORT = ("epochs=2", "device=cpu", "encoder=TabularMLP", "batch_size=64", "start=random")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**changes: object) -> Path:
    found = {
        "table": "t.parquet",
        "stream": True,
        "split": "part",
        "inputs": {"x": "number", "word": "category"},
        "tasks": {"y": {"kind": "number"}, "kind": {"kind": "category"}},
    }
    Path("t.yaml").write_text(yaml.safe_dump({**found, **changes}))
    return Path("t.yaml")


def test_a_large_table_is_proposed_as_a_stream_that_trains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_look, "LARGE", 1000)
    monkeypatch.setattr(first_look, "ROWS", 300)
    written(Path("t.parquet"))
    ran = plait("init", "t.parquet", "--targets", "y,kind")
    assert ran.code == 0, ran.err
    text = Path("t.yaml").read_text()
    assert "600 rows, of which 300 were looked at" in text
    assert yaml.safe_load(text)["stream"] is True
    ran = plait("train", "t.yaml", *SHORT)
    assert ran.code == 0, ran.err
    assert "t.parquet is streamed: " in ran.err
    assert Path("runs/t/report.html").is_file()


def test_a_streamed_run_is_resumed_and_predicts_a_folder() -> None:
    Path("t.parquet").mkdir()
    for k in range(2):
        written(Path("t.parquet") / f"{k}.parquet", frame().iloc[300 * k : 300 * (k + 1)])
    ran = plait("train", str(settings()), *SHORT[:2], "--out", "runs/a")
    assert ran.code == 0, ran.err
    assert plait("train", "--resume", "runs/a", "epochs=3").code == 0
    assert plait("predict", "runs/a", "t.parquet", "--keep", "number").code == 0
    assert pd.read_csv("predictions.csv")["number"].tolist() == list(range(600))


def test_the_same_in_python() -> None:
    written(Path("t.parquet"))
    run = library.fit("t.parquet", ["y", "kind"], stream=True, epochs=1, progress=False)
    assert set(run.metrics) == {"y", "kind"}
    assert len(run.predict("t.parquet")) == 600


def refused(*words: str) -> str:
    ran = plait("train", *words, *SHORT)
    assert ran.code == 2, ran.out
    return ran.err


def test_what_cannot_be_streamed() -> None:
    frame().drop(columns="list").to_csv("t.csv", index=False)
    assert "`stream` reads Parquet files and" in refused(str(settings(table="t.csv")))
    assert "t.parquet is not there" in refused(str(settings()))
    written(Path("t.parquet"))
    assert "`workers` must be 0 or 1" in refused(str(settings(workers=2)))
    assert "lacks 1 column" in refused(str(settings(inputs={"wrod": "category"})))
    assert "`stream` is about a `table`" in refused("digits", "stream=true")
    Path("t.parquet").write_bytes(Path("t.parquet").read_bytes()[:-900])
    assert "t.parquet cannot be read as a Parquet file" in refused(str(settings()))


def test_a_data_set_of_hugging_face_is_a_table() -> None:
    datasets = pytest.importorskip("datasets")
    names = ["high", "low", "mid"]
    table = frame()[["x", "word", "y", "kind"]].assign(kind=lambda t: t["kind"].map(names.index))
    whole = datasets.Dataset.from_pandas(table).cast_column(
        "kind", datasets.ClassLabel(names=names)
    )
    parts = {
        "train": whole.select(range(400)),
        "validation": whole.select(range(400, 500)),
        "test": whole.select(range(500, 600)),
    }
    data = datasets.DatasetDict(parts)
    found = []
    for stream in (False, True):
        options = {"inputs": ["word", "x"], "epochs": 2, "progress": False, "start": "random"}
        run = library.fit(data, ["y", "kind"], stream=stream, **options)
        assert run.model.tasks["kind"].names == names
        found.append(run.evaluate(data["test"]).metrics)
        assert found[-1] == run.metrics
        assert len(run.predict(data["test"])) == 100
    assert found[0].keys() == found[1].keys()
