"""Labels that lie on a picture or a sentence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.core.columns import Column
from plait.core.errors import ConfigError, DataError
from plait.data.files import Store
from plait.data.readers import Masks, Tags, Texts
from plait.data.table.described import Target, read_target
from plait.data.table.inputs import readers_of
from plait.data.table.placed import (
    label_counts,
    place_of,
    placed_classes,
    placed_labels,
    presence,
)
from tests.data.tokenizers import small_tokenizer
from tests.recipes.media_tables import WORDS, media_table

COLUMNS = [
    Column("photo", "image", size=[12, 12], channels=3),
    Column("words", "tokens", values=["red"], form=" ", length=4),
]


def target(name: str, value, frame: pd.DataFrame) -> Target:
    return read_target(name, value, list(frame))


def test_tags_are_those_of_the_words_and_cut_like_them(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=6)
    frame.loc[1, "parts"] = None
    readers = readers_of(frame, COLUMNS, Store(tmp_path))
    wanted = target("parts", "token tags", frame)
    classes = placed_classes(frame, wanted, Store(tmp_path))
    tags = placed_labels(frame, wanted, classes, readers, Store(tmp_path))
    assert isinstance(tags, Tags)
    for row, words in enumerate(frame["words"].str.split()):
        expected = [classes.index(WORDS[word]) for word in words][:4]
        assert tags[row].tolist() == (expected if row != 1 else [-100] * len(expected))
    assert presence(frame, wanted).tolist() == [0, -100, 0, 0, 0, 0]
    counts = label_counts(tags, [0, 2], len(classes))
    assert counts == np.bincount(np.concatenate([tags[0], tags[2]]), minlength=3).tolist()


def test_a_tag_that_the_training_did_not_have_is_named(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=3)
    readers = readers_of(frame, COLUMNS, Store(tmp_path))
    wanted = target("parts", "token tags", frame)
    with pytest.raises(DataError, match=r"row 1, column 'parts'.* has the tag 'COLOUR', which the"):
        placed_labels(frame, wanted, ["O", "THING"], readers, Store(tmp_path))


def test_masks_are_counted_by_class(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=3)
    readers = readers_of(frame, COLUMNS, Store(tmp_path))
    wanted = target("outline", {"kind": "mask", "values": {255: "thing", 0: "none"}}, frame)
    masks = placed_labels(frame, wanted, ["thing", "none"], readers, Store(tmp_path))
    assert isinstance(masks, Masks)
    assert label_counts(masks, [0, 1], 2) == [2 * 36, 2 * (144 - 36)]


def test_where_labels_lie_is_named_where_several_inputs_fit() -> None:
    texts = Texts([["a"]], COLUMNS[1])
    tags = Target("t", "token tags", ("t",))
    assert place_of(tags, {"words": texts}) is texts
    with pytest.raises(ConfigError, match="lies on an input of kind text or tokens; found a, b"):
        place_of(tags, {"a": texts, "b": texts})
    assert place_of(Target("t", "token tags", ("t",), of="b"), {"a": texts, "b": texts}) is texts
    with pytest.raises(ConfigError, match=r"tasks\.t\.of: unknown input of kind text or tokens"):
        place_of(Target("t", "token tags", ("t",), of="c"), {"a": texts})


def test_a_tag_or_all_tags_of_a_row_may_be_missing() -> None:
    frame = pd.DataFrame(
        {"words": [["a", "b"], ["c"], ["d"]], "tags": [["X", None], "?", ["?"]], "y": [1, 2, 3]}
    )
    readers = readers_of(frame, COLUMNS[1:], Store(Path()))
    wanted = target("tags", {"kind": "token tags", "missing": ["?"]}, frame)
    assert placed_classes(frame, wanted, Store(Path())) == ["X"]
    tags = placed_labels(frame, wanted, ["X"], readers, Store(Path()))
    assert [tags[row].tolist() for row in range(3)] == [[0, -100], [-100], [-100]]


@pytest.mark.parametrize(("kind", "hint"), [("tokens", "Correct the row"), ("text", "is tokens")])
def test_too_few_tags_are_told_with_what_helps(kind: str, hint: str) -> None:
    frame = pd.DataFrame({"words": ["stop it now."], "tags": ["O O"]})
    form = " " if kind == "tokens" else "words"
    readers = readers_of(frame, [Column("words", kind, form=form)], Store(Path()))
    with pytest.raises(DataError, match=f"row 1, column 'tags'.* found 2 tags for .*{hint}"):
        placed_labels(frame, target("tags", "token tags", frame), ["O"], readers, Store(Path()))


def test_texts_of_a_tokenizer_have_no_words_to_be_tagged() -> None:
    frame = pd.DataFrame({"said": ["the cat"], "tags": ["O O"]})
    texts = Texts([["the cat"]], Column("said", "text", form="whole", tokenizer=small_tokenizer()))
    with pytest.raises(ConfigError, match="'tags' has a tag for each word, and the tokenizer of"):
        placed_labels(
            frame, target("tags", "token tags", frame), ["O"], {"said": texts}, Store(Path())
        )
