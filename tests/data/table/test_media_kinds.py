"""Columns of files and of sentences are recognised."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
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
    found = media_guesses(media_table(tmp_path), Store(tmp_path), ["colour"])
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


def test_where_nobody_names_a_target_masks_and_tags_are_predicted(tmp_path: Path) -> None:
    frame = media_table(tmp_path)[["photo", "outline", "said", "words", "parts"]]
    tasks = propose(frame, None, Store(tmp_path)).settings["tasks"]
    assert {name: each["kind"] for name, each in tasks.items()} == {
        "outline": "mask",
        "parts": "token tags",
    }


def test_pictures_of_few_greys_are_pictures_where_there_are_no_others(tmp_path: Path) -> None:
    frame = media_table(tmp_path)[["outline", "colour"]]
    found = media_guesses(frame, Store(tmp_path), ["colour"])["outline"]
    assert (found.kind, found.options["channels"]) == ("image", 1)


@pytest.mark.parametrize(
    ("path", "hint"), [("a\\b.png", "write / between folders"), ("/a/b.png", "relative to that")]
)
def test_paths_of_another_form_are_said_how_to_write(tmp_path: Path, path: str, hint: str) -> None:
    (guess,) = media_guesses(pd.DataFrame({"photo": [path]}), Store(tmp_path)).values()
    assert guess.kind == "exclude"
    assert hint in guess.reason


WORDS = [["a", "b"], ["c"], ["d", "e", "f"], ["g"]]
TAGS = [["O", "X"], None, ["O", None, "X"], ["O"]]


@pytest.mark.parametrize("kind", [list, np.array])
def test_lists_of_words_may_be_missing_and_lack_words(kind: Any) -> None:
    tags = [None if row is None else kind(row) for row in TAGS]
    frame = pd.DataFrame({"words": [kind(row) for row in WORDS], "tags": tags})
    found = media_guesses(frame, Store(Path()), ["tags"])
    assert {name: each.kind for name, each in found.items()} == {
        "words": "tokens",
        "tags": "token tags",
    }


def test_text_with_empty_cells_has_tags_too() -> None:
    words = [" ".join(row) for row in WORDS]
    frame = pd.DataFrame({"words": words, "tags": ["O X", "", "O O X", pd.NA]})
    assert media_guesses(frame, None, ["tags"])["tags"].options == {"separator": " ", "of": "words"}


def test_files_of_other_forms_are_said_how_to_write(tmp_path: Path) -> None:
    for name in ("a.webp", "a.m4a"):
        (tmp_path / name).write_bytes(b"x")
    frame = pd.DataFrame({"photo": ["a.webp"], "voice": ["a.m4a"]})
    found = media_guesses(frame, Store(tmp_path))
    assert found["photo"].reason.endswith("not read (.webp): write them as JPEG or PNG")
    assert found["voice"].reason.endswith("not read (.m4a): write them as WAV or FLAC")


def test_words_for_a_missing_file_are_told(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    frame.loc[1, ["photo", "outline"]] = "N/A"
    found = media_guesses(frame, Store(tmp_path), ["outline"])
    assert [found[name].options["missing"] for name in ("photo", "outline")] == [["N/A"]] * 2


def test_pictures_in_colours_are_no_masks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'photo' cannot be predicted: pictures in colours; a mask"):
        propose(media_table(tmp_path), ["photo"], Store(tmp_path))


def test_pictures_stay_as_they_are_where_a_number_may_be_a_place_in_them(tmp_path: Path) -> None:
    frame = media_table(tmp_path).rename(columns={"size": "xmin"})
    for target, augmented in (("xmin", False), ("colour", True)):
        (photo,) = [
            e for e in propose(frame, [target], Store(tmp_path)).entries if e.name == "photo"
        ]
        assert ("augment" in photo.options) == augmented
        assert ("xmin may be a place in it" in photo.comment) != augmented
