"""Tables whose cells are pictures, masks, sounds and sentences."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from plait.core.columns import Column
from plait.core.errors import ConfigError, DataError
from plait.core.structure import Masked
from plait.data import loader
from plait.data.tokenizer import codes_of_texts
from plait.recipes import Table
from plait.tasks import DenseRegression, Segmentation, Tagging
from tests.data.tokenizers import small_tokenizer
from tests.recipes.media_tables import WORDS, media_table

ALL: dict[str, Any] = {
    "inputs": {
        "photo": {"kind": "image", "size": 12},
        "voice": {"kind": "sound", "rate": 4000, "seconds": 1.0},
        "words": "tokens",
        "size": "number",
    },
    "tasks": {
        "outline": "mask",
        "parts": "token tags",
        "colour": "category",
        "pitch": "number",
    },
}


def recipe(folder: Path, frame: pd.DataFrame | None = None, **changes: Any) -> Table:
    table = media_table(folder) if frame is None else frame
    table.to_csv(folder / "table.csv", index=False)
    return Table(data=folder / "table.csv", split="split", **{**ALL, **changes})


def test_examples_have_all_inputs_by_name_and_all_labels(tmp_path: Path) -> None:
    table = recipe(tmp_path)
    train = table.splits()["train"]
    rows = table.rows["train"]
    inputs, targets = train[3]
    row = table.frame.iloc[rows[3]]
    assert list(inputs) == ["row", "photo", "voice", "words"]
    assert inputs["row"].tolist() == [row["size"]]
    pixels = torch.from_numpy(np.array(Image.open(tmp_path / row["photo"])))
    assert torch.equal(inputs["photo"], (pixels.permute(2, 0, 1) / 255 - 0.5) / 0.25)
    assert isinstance(inputs["voice"], Masked)
    assert len(inputs["words"].values) == len(row["words"].split())
    mask = np.array(Image.open(tmp_path / row["outline"])) == 255
    assert np.array_equal(targets["outline"].numpy(), mask)
    names = table.classes["parts"]
    assert names == ["O", "COLOUR", "THING"]
    assert [names[k] for k in targets["parts"]] == [WORDS[w] for w in row["words"].split()]
    assert targets["pitch"].tolist() == [row["pitch"]]


def test_rows_that_are_not_read_to_their_end_are_told(tmp_path: Path) -> None:
    short = {"words": {"kind": "tokens", "length": 3}}
    table = recipe(tmp_path, inputs=short, tasks={"colour": "category"})
    lengths = table.frame["words"].str.split().map(len)
    told = f"{sum(lengths > 3)} of {len(table.frame)} rows have more than 3 words in column 'words'"
    assert sum(lengths > 3) > 0
    assert table.notes[-1].startswith(told)
    assert not recipe(tmp_path).examples.cut


def test_one_input_alone_is_no_dict_and_batches_are_counted(tmp_path: Path) -> None:
    table = recipe(tmp_path, inputs={"said": "text"}, tasks={"colour": "category"})
    tasks = table.tasks()
    batches = list(loader(table.splits()["train"], batch_size=8, shuffle=True, tasks=tasks))
    assert sum(batch.counts["colour"] for batch in batches) == len(table.rows["train"])
    codes, mask = batches[0].parts[0].inputs
    assert codes.shape[:2] == mask.shape
    known = table.columns[0].values
    assert known[:3] == ["!", ":", "box"] or set(known) >= {"look", "red", "blue", "!"}


def test_tasks_are_those_of_their_kinds(tmp_path: Path) -> None:
    outline, parts, *_ = recipe(tmp_path).tasks()
    assert isinstance(outline, Segmentation) and outline.names == ["0", "255"]
    assert isinstance(parts, Tagging) and parts.names == ["O", "COLOUR", "THING"]


def test_values_of_a_mask_are_named_and_ignored(tmp_path: Path) -> None:
    tasks = {"outline": {"kind": "mask", "values": {255: "thing", 7: "other"}, "ignore": 0}}
    table = recipe(tmp_path, tasks=tasks)
    (task,) = table.tasks()
    assert task.names == ["thing", "other"]
    _, targets = table.splits()["val"][0]
    assert set(targets["outline"].unique().tolist()) == {-100, 0}


def test_a_map_of_numbers(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    for row, name in enumerate(frame["photo"]):
        np.save(tmp_path / f"d{row}.npy", np.full((12, 12), float(row)))
        assert name
    frame["depth"] = [f"d{row}.npy" for row in range(len(frame))]
    frame.loc[0, "depth"] = None
    table = recipe(tmp_path, frame, tasks={"depth": "map"})
    (task,) = table.tasks()
    assert isinstance(task, DenseRegression) and task.outputs == 1
    splits = table.splits()
    assert splits["train"][0][1]["depth"].isnan().all()
    assert (splits["train"][1][1]["depth"] == 1).all()


def test_rows_are_divided_where_no_column_says_how(tmp_path: Path) -> None:
    frame = media_table(tmp_path)
    frame.loc[:9, "outline"] = None
    table = recipe(tmp_path, frame.drop(columns="split"), tasks={"outline": "mask"})
    table.split = None
    labelled = frame["outline"].notna().to_numpy()
    shares = {split: labelled[rows].mean() for split, rows in table.rows.items()}
    assert all(0.6 < share < 0.9 for share in shares.values())


def test_pictures_of_training_are_augmented_and_others_are_not(tmp_path: Path) -> None:
    inputs = {"photo": {"kind": "image", "size": 12, "augment": {"flip": 1.0}}}
    splits = recipe(tmp_path, inputs=inputs, tasks={"outline": "mask"}).splits()
    assert [split for split, data in splits.items() if data.takes_draws] == ["train"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("cache", [0.0, 1.0])
def test_what_is_kept_in_memory_changes_nothing(tmp_path: Path, cache: float) -> None:
    splits = recipe(tmp_path, cache=cache).splits()
    first, again = splits["val"][0], splits["val"][0]
    assert torch.equal(first[0]["photo"], again[0]["photo"])
    assert torch.equal(first[1]["outline"], again[1]["outline"])


def wrong(folder: Path, column: str, value: Any, row: int = 4) -> pd.DataFrame:
    frame = media_table(folder)
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("photo", "gone.png", r"gone\.png \(row 5 of table\.csv, column 'photo'\): there is no"),
        ("photo", "../p1.png", r"row 5, column 'photo' of table\.csv: a path must lead to a file"),
        ("voice", "/etc/hosts", r"row 5, column 'voice' of table\.csv: a path must lead to a file"),
        ("parts", "O O", r"row 5, column 'parts' of table\.csv: .* found 2 tags for \d tokens"),
        ("outline", "m.png", r"m\.png \(row 5 of table\.csv, column 'outline'\): there is no such"),
    ],
)
def test_bad_cells_are_named_before_the_training(
    tmp_path: Path, column: str, value: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        recipe(tmp_path, wrong(tmp_path, column, value)).splits()


def test_labels_that_lie_on_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'outline' is a mask, which lies on an input of kind im"):
        recipe(tmp_path, inputs={"words": "tokens"}).splits()


def test_options_of_columns_are_checked(tmp_path: Path) -> None:
    for options, message in (
        ({"kind": "image", "size": [3]}, r"inputs\.photo: `size` must be"),
        ({"kind": "image", "sise": 3}, r"inputs\.photo: unknown option 'sise'"),
        ({"kind": "sound", "rate": 0}, r"inputs\.photo: `rate` must be at least"),
        ({"kind": "text", "unit": "letters"}, r"inputs\.photo: `unit` must be words or"),
    ):
        with pytest.raises(ConfigError, match=message):
            recipe(tmp_path, inputs={"photo": options})


def test_a_text_may_have_the_codes_of_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(small_tokenizer(), encoding="utf-8")
    said = {"kind": "text", "tokenizer": str(tmp_path), "length": 6}
    table = recipe(tmp_path, inputs={"said": said}, tasks={"colour": "category"})
    (column,) = table.columns
    (tmp_path / "tokenizer.json").unlink()
    assert not column.values and column.codes == 9
    inputs, _ = table.splits()["train"][0]
    text = table.frame["said"].iloc[table.rows["train"][0]]
    (codes,) = codes_of_texts([text], column.tokenizer, 6)
    assert inputs.values[:, 0].tolist() == codes and codes[-1] == 3
    plain = json.loads(json.dumps(column.plain()))
    assert Column.of(plain).plain() == plain
