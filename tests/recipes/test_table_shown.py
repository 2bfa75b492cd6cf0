"""Inputs of a table's examples as a page shows them."""

from pathlib import Path

import numpy as np
from PIL import Image

from plait.data.shown import Picture, Row, Sentence, Sound
from plait.recipes._table_shown import row_of_values
from tests.recipes.media_tables import media_table
from tests.recipes.test_table_examples import recipe


def test_each_input_is_shown_as_it_was_written(tmp_path: Path) -> None:
    table = recipe(tmp_path)
    inputs, _ = table.splits()["test"][2]
    row = table.frame.iloc[table.rows["test"][2]]
    values, photo, voice, words = table.show_example("test", 2, inputs)
    assert isinstance(values, Row) and values.values == {"size": str(row["size"])}
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


def test_few_values_of_a_row_are_shown_and_missing_ones_are_empty(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=2).assign(**{f"x{k}": float(k) for k in range(20)})
    frame.loc[1, "x3"] = None
    names = [f"x{k}" for k in range(20)]
    found = row_of_values(frame, names, 1).values
    assert list(found) == names[:12]
    assert (found["x2"], found["x3"]) == ("2.0", "")
