"""Pictures, sentences and sounds from a table to a trained model, predictions and a report."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plait
from tests.recipes.media_tables import media_table

SHORT: dict[str, Any] = {"epochs": 2, "device": "cpu", "progress": False, "gallery": 2}


def test_pictures_with_masks_and_other_inputs(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    run = plait.fit(
        frame,
        ["outline", "colour"],
        inputs=["photo", "voice", "size"],
        split="split",
        files=tmp_path,
        run=tmp_path / "run",
        encoder={"class": "Fused", "encoders": {"photo": {"class": "ConvEncoder", "widths": [8]}}},
        **SHORT,
    )
    found = run.predict(frame.iloc[3:5])
    assert list(found.index) == [3, 4]
    assert found["outline"].iloc[0].shape == (12, 12)
    assert set(found["colour"]) <= {"red", "blue"}
    again = plait.load(tmp_path / "run", files=tmp_path).predict(frame.iloc[3:5])
    assert np.array_equal(again["outline"].iloc[1], found["outline"].iloc[1])
    measured = run.evaluate(frame)
    assert set(measured.metrics) == {"outline", "colour"}
    assert "<img" in Path(str(run.report())).read_text()


def test_masks_are_predicted_into_files(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    table = tmp_path / "t.csv"
    frame.to_csv(table, index=False)
    inputs = {"photo": {"kind": "image", "size": 8}}
    run = plait.fit(table, ["outline"], inputs=inputs, split="split", run=tmp_path / "run", **SHORT)
    from plait.experiments.trained import Trained

    assert Trained(tmp_path / "run").predict_file(table, tmp_path / "out.csv") == len(frame)
    found = pd.read_csv(tmp_path / "out.csv")
    expected = run.predict(table)["outline"]
    for path, mask in zip(found["outline"], expected, strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / path)), mask)


@pytest.mark.parametrize("column", ["words", "said"])
def test_sentences_of_a_script_that_the_vocabulary_has_never_seen(
    tmp_path: Path, column: str
) -> None:
    frame = media_table(tmp_path)
    targets = {"colour": "category"} | ({"parts": "token tags"} if column == "words" else {})
    kind = "tokens" if column == "words" else "text"
    run = plait.fit(
        frame, targets, inputs={column: kind}, split="split", run=tmp_path / "run", **SHORT
    )
    foreign = pd.DataFrame({column: ["東京 へ 行く", "привет мир", "नमस्ते दुनिया", ""]})
    found = run.predict(foreign)
    assert set(found["colour"]) <= {"red", "blue"}
    if column == "words":
        assert [len(tags.split()) for tags in found["parts"]][:3] == [3, 2, 2]
    report = Path(str(run.report())).read_text()
    assert str(frame["words"].iloc[4]).split()[1] in report


def test_sentences_of_one_foreign_script_train(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    frame["said"] = ["赤い箱が好き" if c == "red" else "青い球を見た" for c in frame["colour"]]
    run = plait.fit(
        frame,
        {"colour": "category"},
        inputs={"said": "text"},
        split="split",
        run=tmp_path / "run",
        **{**SHORT, "epochs": 12},
    )
    assert run.metrics["colour"]["accuracy"] == 1.0
