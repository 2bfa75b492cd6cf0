"""Bad pictures, sounds and sentences: one message, exit code 2, and no run folder."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.cli.shell import plait
from tests.recipes.media_tables import media_table
from tests.recipes.test_pet_folders import huge_png

INPUTS: dict[str, Any] = {
    "photo": {"kind": "image", "size": 12},
    "voice": {"kind": "sound", "rate": 4000, "seconds": 0.1},
}
TASKS = {"outline": {"kind": "mask", "values": {0: "none", 255: "thing"}}, "pitch": "number"}


def png(values: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).save(file, "PNG")
    return file.getvalue()


def refused(folder: Path, frame: pd.DataFrame | None = None, **settings: Any) -> str:
    """Returns the message of a training that is refused before it has written anything."""
    (media_table(folder, rows=10) if frame is None else frame).to_csv(folder / "t.csv", index=False)
    described = {"table": "t.csv", "split": "split", "inputs": INPUTS, "tasks": TASKS}
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump({**described, "epochs": 1, **settings}))
    ran = plait("train", path, "--out", folder / "run")
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    assert not (folder / "run").exists()
    return ran.err.partition("plait: error: ")[2]


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("p3.png", b"no picture", "column 'photo') must be a whole JPEG or PNG image; found"),
        (
            "p3.png",
            png(np.arange(432).reshape(12, 12, 3) % 251)[:50],
            "column 'photo') must be a whole JPEG or PNG",
        ),
        ("p3.png", huge_png(), "column 'photo') must have at most 67,108,864 pixels"),
        ("s3.wav", b"no sound", "column 'voice') must be a whole sound file"),
        ("m3.png", png(np.zeros((9, 12))), "must have the size of its picture; found 12 x 9"),
        ("m3.png", png(np.full((12, 12), 7)), "has the value 7, which is no class; known: 0, 255"),
        ("m3.png", png(np.zeros((12, 12, 3))), "must have one channel"),
    ],
)
def test_a_bad_file_is_named_with_its_row_and_column(
    tmp_path: Path, file: str, content: bytes, words: str
) -> None:
    frame = media_table(tmp_path, rows=10)
    (tmp_path / file).write_bytes(content)
    said = refused(tmp_path, frame)
    assert words in said
    assert f"{file} (row 4 of t.csv, column" in said


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("photo", "gone.png", "gone.png (row 4 of t.csv, column 'photo'): there is no such file"),
        ("photo", "../x.png", "row 4, column 'photo' of t.csv: a path must lead to a file inside"),
        (
            "outline",
            "/x.png",
            "row 4, column 'outline' of t.csv: a path must lead to a file",
        ),
    ],
)
def test_a_path_that_leads_nowhere_or_out_of_the_folder(
    tmp_path: Path, column: str, value: str, words: str
) -> None:
    frame = media_table(tmp_path, rows=10)
    frame.loc[3, column] = value
    assert words in refused(tmp_path, frame)


def test_tags_and_tokens_of_different_length(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=10)
    frame.loc[3, "parts"] += " O"
    said = refused(tmp_path, frame, inputs={"words": "tokens"}, tasks={"parts": "token tags"})
    assert "row 4, column 'parts' of t.csv: task 'parts' must have a tag for each token" in said


def test_labels_on_two_inputs(tmp_path: Path) -> None:
    tasks = {**TASKS, "parts": "token tags"}
    said = refused(tmp_path, inputs={**INPUTS, "words": "tokens"}, tasks=tasks)
    assert "labels of one network lie on one input: found 'outline' on 'photo'" in said


def test_an_encoder_of_one_input_for_several(tmp_path: Path) -> None:
    said = refused(tmp_path, encoder="ConvEncoder")
    assert "ConvEncoder reads one input, and the table has photo, voice" in said
