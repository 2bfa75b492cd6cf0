"""Rows of tables in batches, as the model of a run reads them."""

from pathlib import Path

import torch

from plait.core.columns import Column
from plait.core.structure import Masked
from plait.data.files import Store
from plait.data.table.described import read_target
from plait.experiments import table_batches as module
from plait.experiments.table_batches import table_batches, unseen_words
from plait.tasks import Classification, Tagging
from tests.data.tokenizers import small_tokenizer
from tests.recipes.media_tables import WORDS, media_table

SIZE = Column("size", "number", center=[0.0], scale=[1.0], missing=[0.0], edges=[[0.0, 1.0]])
COLOUR = Column("colour", "category", values=["red"])
PHOTO = Column("photo", "image", size=[8, 8], channels=3)
SENTENCE = Column("words", "tokens", values=["red", "the"], form=" ")


def test_rows_alone_are_one_tensor(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=5)
    (batch,) = table_batches(frame, [SIZE, COLOUR], Store(tmp_path), source="t")
    assert batch.rows == range(5)
    assert batch.inputs[:, 0].tolist() == frame["size"].tolist()
    assert unseen_words(batch.inputs, [SIZE, COLOUR]) == {"colour": (2, 5)}


def test_others_come_in_batches_with_their_labels(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MEDIA_ROWS", 4)
    frame = media_table(tmp_path, rows=6)
    classes = sorted(set(WORDS.values()))
    tasks = {
        "parts": Tagging("parts", classes=3, names=classes, ignore_index=-9),
        "colour": Classification("colour", classes=2, names=["blue", "red"]),
    }
    targets = [
        read_target(name, kind, list(frame))
        for name, kind in (("parts", "token tags"), ("colour", "category"))
    ]
    columns = [SIZE, PHOTO, SENTENCE]
    batches = list(
        table_batches(frame, columns, Store(tmp_path), source="t", targets=targets, tasks=tasks)
    )
    assert [list(batch.rows) for batch in batches] == [[0, 1, 2, 3], [4, 5]]
    first = batches[0]
    assert set(first.inputs) == {"row", "photo", "words"}
    assert isinstance(first.inputs["words"], Masked)
    assert torch.equal(first.targets["parts"] == -9, ~first.inputs["words"].mask)
    assert first.targets["colour"].tolist() == [1, 0, 1, 0]
    assert first.sizes == [(12, 12)] * 4
    words = [word for row in frame["words"][:4] for word in row.split()]
    unseen = sum(word not in ("red", "the") for word in words)
    assert unseen_words(first.inputs, columns) == {"words": (unseen, len(words))}


def test_codes_of_a_tokenizer_are_no_unseen_words() -> None:
    said = Column("said", "text", form="whole", tokenizer=small_tokenizer())
    codes = torch.ones(2, 3, 1, dtype=torch.long)
    assert unseen_words(Masked(codes, codes[..., 0] > 0), [said]) == {}


def test_sizes_and_words_are_of_the_input_that_labels_lie_on(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=3)
    frame.loc[1, "words"] = ""
    columns, store = [PHOTO, SENTENCE], Store(tmp_path)
    (batch,) = table_batches(frame, columns, store, source="t")
    assert (batch.sizes, batch.words) == ([(12, 12)] * 3, [])
    (batch,) = table_batches(frame, columns, store, source="t", place="words")
    assert (batch.sizes, batch.words) == ([], [len(words.split()) for words in frame["words"]])
