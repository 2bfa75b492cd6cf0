"""Columns of files and of sentences are recognised."""

from pathlib import Path

import numpy as np
import pandas as pd

from plait.data.files import Store
from plait.data.table import propose
from plait.data.table.media_kinds import media_guesses
from tests.recipes.media_tables import media_table


def test_files_are_recognised_by_what_they_hold(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    found = media_guesses(frame, Store(tmp_path), ["outline", "parts"])
    assert {name: each.kind for name, each in found.items()} == {
        "photo": "image",
        "outline": "mask",
        "voice": "sound",
        "words": "tokens",
        "parts": "token tags",
    }
    assert found["photo"].options == {"size": 12, "augment": {"flip": 0.5, "crop": 0.2}}
    assert found["outline"].options == {"values": {0: "background", 255: "foreground"}}
    assert found["voice"].options == {"rate": 4000, "seconds": 0.5}
    assert found["words"].options == {"separator": " "}


def test_what_is_not_predicted_is_left_out_with_the_way_to_predict_it(tmp_path: Path) -> None:
    found = media_guesses(media_table(tmp_path), Store(tmp_path))
    assert found["outline"].kind == found["parts"].kind == "exclude"
    assert "--targets outline" in found["outline"].reason
    assert "one for each word of words; to predict them" in found["parts"].reason


def test_paths_without_files_are_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"photo": ["a.png", "b.png"]})
    (guess,) = media_guesses(frame, Store(tmp_path)).values()
    assert guess.kind == "exclude"
    assert "of which no file is in" in guess.reason


def test_maps_of_numbers(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=3)
    for row in range(3):
        np.save(tmp_path / f"d{row}.npy", np.zeros((12, 12)))
    frame["depth"] = [f"d{row}.npy" for row in range(3)]
    assert media_guesses(frame, Store(tmp_path), ["depth"])["depth"].kind == "map"


def test_a_proposal_reads_pictures_sounds_and_sentences(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    settings = propose(frame, ["outline", "parts", "colour"], Store(tmp_path)).settings
    kinds = {
        name: each["kind"] if isinstance(each, dict) else each
        for name, each in settings["inputs"].items()
    }
    assert kinds["photo"] == "image"
    assert kinds["words"] == "tokens"
    assert kinds["said"] == "text"
    tasks = {name: each["kind"] for name, each in settings["tasks"].items()}
    assert tasks["outline"] == "mask"
    assert tasks["parts"] == "token tags"
    assert settings["split"] == "split"
