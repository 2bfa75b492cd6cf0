"""A row shows what the network reads of it, and its other values as they are written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from plait.core.columns import Column
from plait.core.structure import Masked
from plait.data import Picture, Row, Sentence, Sound
from plait.data.images import normalised
from plait.recipes import Table
from plait.recipes._table_shown import shown_inputs
from tests.recipes.media_tables import media_table
from tests.recipes.test_table_examples import recipe

NUMBER = Column("age", "number", center=[0.0], scale=[1.0], missing=[0.0], edges=[[0.0, 1.0]])
CITY = Column("city", "category", values=["Ulm"])
PHOTO = Column("photo", "image", size=(4, 6), channels=3)
CALL = Column("call", "sound", rate=8000, seconds=1.0)
TEXT = Column("said", "text", form="words", length=4)
TOKENS = Column("words", "tokens", form=" ")


def of(column: str, cell: Any) -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series([cell], dtype=object)})


def test_a_picture_and_a_sound_are_what_the_network_reads() -> None:
    photo = torch.rand(3, 4, 6)
    samples = torch.tensor([0.5, -0.5, 0.0])
    inputs = {
        "row": torch.zeros(1),
        "photo": normalised(photo),
        "call": Masked(samples, torch.tensor([True, True, False])),
    }
    row = pd.DataFrame({"age": [41.5], "photo": ["a.png"], "call": ["a.wav"]})
    values, picture, sound = shown_inputs([NUMBER, PHOTO, CALL], row, inputs)
    assert isinstance(picture, Picture)
    assert picture.name == "photo"
    assert np.array_equal(picture.pixels, (photo * 255).round().byte().permute(1, 2, 0).numpy())
    assert isinstance(sound, Sound)
    assert (sound.rate, sound.name, sound.samples.tolist()) == (8000, "call", [0.5, -0.5])
    assert values == Row({"age": "41.5"})


def test_a_column_alone_is_the_input() -> None:
    (found,) = shown_inputs([PHOTO], of("photo", "a.png"), normalised(torch.zeros(3, 4, 6)))
    assert isinstance(found, Picture)
    assert (found.pixels == 0).all()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("Don't go, now!", ["Don't", "go", ",", "now"]),
        ("東京駅", ["東", "京", "駅"]),
        ("", [""]),
        (None, [""]),
    ],
)
def test_text_is_divided_as_the_network_reads_it_and_kept_as_written(
    cell: Any, words: list[str]
) -> None:
    (found,) = shown_inputs([TEXT], of("said", cell), Masked(torch.zeros(4, 1), torch.ones(4)))
    assert found == Sentence(words, text=cell or "", name="said")


@pytest.mark.parametrize("cell", ["flights to Ulm", ["flights", "to", "Ulm"]])
def test_tokens_are_the_words_of_the_list(cell: Any) -> None:
    (found,) = shown_inputs([TOKENS], of("words", cell), Masked(torch.zeros(3, 1), torch.ones(3)))
    assert found == Sentence(["flights", "to", "Ulm"], name="words")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.1234567, "0.123457"),
        (np.float32(2.0), "2"),
        (3, "3"),
        (float("nan"), "–"),
        (None, "–"),
        (True, "True"),
        ([1.5, None], "1.5, –"),
        (pd.Timestamp("2024-05-01"), "2024-05-01 00:00:00"),
    ],
)
def test_other_values_are_written(cell: Any, text: str) -> None:
    (found,) = shown_inputs([CITY], of("city", cell), torch.zeros(1))
    assert found == Row({"city": text})


def test_each_input_is_shown_as_it_was_written(tmp_path: Path) -> None:
    table = recipe(tmp_path)
    inputs, _ = table.splits()["test"][2]
    row = table.frame.iloc[table.rows["test"][2]]
    values, photo, voice, words = table.show_example("test", 2, inputs)
    assert isinstance(values, Row) and values.values == {"size": f"{row['size']:g}"}
    assert isinstance(photo, Picture) and photo.name == "photo"
    assert np.array_equal(photo.pixels, np.asarray(Image.open(tmp_path / row["photo"])))
    assert isinstance(voice, Sound) and voice.rate == 4000
    assert len(voice.samples) == 200 + 20 * (int(row.name) % 5)  # type: ignore[call-overload]
    assert isinstance(words, Sentence) and list(words.words) == row["words"].split()


def test_text_is_shown_with_its_spaces(tmp_path: Path) -> None:
    table = recipe(tmp_path, inputs={"said": "text"}, tasks={"colour": "category"})
    (said,) = table.show_example("test", 0, table.splits()["test"][0][0])
    assert isinstance(said, Sentence)
    assert said.text == table.frame["said"].iloc[table.rows["test"][0]]
    assert list(said.words)[:1] == ["Look"]


def test_rows_of_numbers_keep_their_types_and_are_not_encoded_again(tmp_path: Path) -> None:
    frame = media_table(tmp_path)[["size", "pitch", "split"]].assign(count=range(40))
    inputs = {"size": "number", "count": "number"}
    table = Table(data=frame, inputs=inputs, tasks={"pitch": "number"}, split="split")
    (values,) = table.show_example("test", 1, torch.zeros(2))
    assert values == Row({"size": "2", "count": "9"})
    assert "inputs" not in vars(table.examples)
