"""Examples whose inputs and labels are read row by row."""

import numpy as np
import pytest
import torch

from plait.core.columns import Column
from plait.core.errors import DataError
from plait.core.structure import Masked
from plait.data import Augment, Augmented, Draw, loader
from plait.data.examples import Examples
from plait.data.files import Store
from plait.data.readers.files import Files
from plait.data.readers.images import Images
from plait.data.readers.masks import Masks
from plait.data.readers.tags import Tags
from plait.data.readers.texts import Texts
from plait.tasks import Classification, Regression, Segmentation, Tagging
from tests.data.readers.conftest import png

SENTENCES = [[f"w{k}" for k in range(1 + n % 7)] for n in range(40)]
COLUMN = Column("said", "tokens", values=[f"w{k}" for k in range(7)], form=" ")
TAGS = [[k % 3 for k in range(len(words))] for words in SENTENCES]


def test_one_input_is_given_as_it_is_and_several_by_name() -> None:
    numbers, words = torch.arange(40.0)[:, None], Texts(SENTENCES, COLUMN)
    alone = Examples({"row": numbers}, {"y": numbers}, rows=[5, 3])
    assert [alone[i][0].item() for i in range(2)] == [5.0, 3.0]
    both = Examples({"row": numbers, "said": words}, {"y": numbers}, rows=[5])
    inputs, targets = both[0]
    assert inputs["row"].item() == targets["y"].item() == 5.0
    assert isinstance(inputs["said"], Masked)
    with pytest.raises(IndexError):
        both[1]


@pytest.mark.parametrize("inputs", [{}, {"a": torch.zeros(3)}])
def test_readers_have_the_same_rows(inputs) -> None:
    with pytest.raises(DataError, match="one value for each row"):
        Examples(inputs, {"y": torch.zeros(2)})


def test_groups_are_of_the_examples_and_not_of_all_rows() -> None:
    rows = [torch.zeros(2)] * 5
    assert Examples({"x": rows}, {}, [1, 3], groups=[7, 7]).groups.tolist() == [7, 7]
    with pytest.raises(DataError, match="one number for each of 2 examples"):
        Examples({"x": rows}, {}, [1, 3], groups=[7, 7, 1, 1, 1])


def test_batches_of_sentences_are_padded_and_waste_little() -> None:
    tasks = [Tagging("tag", classes=3, ignore_index=-7), Regression("length")]
    lengths = torch.tensor([[float(len(words))] for words in SENTENCES])
    data = Examples({"said": Texts(SENTENCES, COLUMN)}, {"tag": Tags(TAGS), "length": lengths})
    batches = list(loader(data, batch_size=4, shuffle=True, tasks=tasks))
    seen = 0
    for batch in batches:
        (part,) = batch.parts
        codes, mask = part.inputs
        assert torch.equal(mask.sum(1, keepdim=True).float(), part.targets["length"])
        assert torch.equal(part.targets["tag"] == -7, ~mask)
        assert not codes[~mask].any()
        assert part.counts["tag"] == float(mask.sum())
        assert int(mask.sum(1).max() - mask.sum(1).min()) <= 1  # 40 examples are one pool
        seen += part.examples
    assert seen == 40


def pictures(tmp_path, count: int = 3):
    rng = np.random.default_rng(0)
    for k in range(count):
        (tmp_path / f"p{k}.png").write_bytes(png(rng.integers(0, 256, (8, 8, 3), np.uint8)))
        (tmp_path / f"m{k}.png").write_bytes(png(rng.integers(0, 2, (8, 8), np.uint8)))
    files = [Files(Store(tmp_path), [f"{a}{k}.png" for k in range(count)], a) for a in "pm"]
    return Images(files[0], (8, 8)), Masks(files[1], (8, 8), [0, 1])


def test_pictures_are_augmented_with_their_masks_and_then_normalised(tmp_path) -> None:
    images, masks = pictures(tmp_path)
    tasks = [Segmentation("mask", classes=2), Classification("kind", classes=3)]
    targets = {"mask": masks, "kind": torch.arange(3)}
    augment = Augment(flip=1.0)
    plain = Examples({"photo": images}, targets)
    moved = Examples({"photo": images}, targets, augment=augment, tasks=tasks, seed=4)
    assert moved.takes_draws and not plain.takes_draws
    raw = [(images[i], {task: reader[i] for task, reader in targets.items()}) for i in range(3)]
    by_hand = Augmented(raw, augment, tasks, seed=4)
    for draw in (Draw(1, 0), Draw(1, 3), Draw(2, 0)):
        expected, labels = by_hand[draw]
        inputs, found = moved[draw]
        assert torch.equal(inputs, (expected - 0.5) / 0.25)
        assert all(torch.equal(found[task], labels[task]) for task in targets)
    assert torch.equal(plain[0][0], (images[0] - 0.5) / 0.25)


def test_all_pictures_of_an_example_are_changed_alike(tmp_path) -> None:
    images, _ = pictures(tmp_path)
    data = Examples({"a": images, "b": images}, {"y": torch.zeros(3)}, augment=Augment())
    inputs, _ = data[Draw(0, 5)]
    assert torch.equal(inputs["a"], inputs["b"])


def test_labels_are_moved_with_the_picture_that_they_lie_on(tmp_path) -> None:
    images, masks = pictures(tmp_path)
    other = Images(images.files, (4, 6))
    tasks = [Segmentation("mask", classes=2)]
    data = Examples(
        {"a": other, "b": images},
        {"mask": masks},
        augment=Augment(flip=1.0, crop=0.0),
        tasks=tasks,
        place="b",
    )
    inputs, found = data[Draw(1, 2)]
    assert torch.equal(found["mask"], masks[1].flip(-1))
    assert inputs["a"].shape == (3, 4, 6)
