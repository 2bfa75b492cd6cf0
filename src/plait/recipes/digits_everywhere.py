"""DigitsEverywhere: digits that are spoken and digits that are written, in one network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from plait.core.arguments import checked
from plait.core.options import AtLeast
from plait.recipes._written_digits import WrittenDigits
from plait.recipes.combined import Combined
from plait.recipes.fsdd import Fsdd


class DigitsEverywhere(Combined):
    """Spoken and written digits: one network that hears and sees, with the digit as common task.

    There are two data sets, each with a stem of its own: `sounds`, the recordings of `Fsdd`, and
    `images`, those of MNIST. What the stems give, a vector, goes through one trunk. Tasks: `digit`,
    of sounds and of images by one head, and `speaker`, of sounds alone. It is an example of a
    network over two modalities: sounds and images have no example in common, only a meaning.

    The divisions are those of `Fsdd`, and for the images the official test of 10,000; the last
    1,000 training images are for validation. The accuracy of `digit` in the test is mostly that of
    the images, which are 97 % of its examples.

    Args:
        data: the folder with the folders `fsdd` and `mnist`, as `Fsdd` and `MultiMnist` read them.
        images: for training, at most; by default about as many as there are recordings, so that
            both are seen alike. With more, take `mixing=EqualShares`.

    Raises:
        ConfigError: an option outside its range.
        DataError: a file is missing or damaged.

    Licence: Creative Commons Attribution-ShareAlike, 4.0 (FSDD) and 3.0 (MNIST).

    Reference (of the idea): Kaiser, Gomez, Shazeer, Vaswani, Parmar, Jones, Uszkoreit, "One Model
        To Learn Them All", arXiv:1706.05137, 2017.
    """

    needs_data = True
    folders = ("fsdd", "mnist")
    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 8,
        "batch_size": 32,
        "optimizer": {"class": "AdamW", "lr": 2e-3, "weight_decay": 0.01},
        "scheduler": {"class": "OneCycleLR", "max_lr": 2e-3},
        "clip": 5.0,
        "measure_every": 25,
    }

    @checked
    def __init__(self, *, data: Path | str, images: Annotated[int, AtLeast(1)] = 2400) -> None:
        sounds = Fsdd(data=Path(data) / "fsdd")
        pictures = WrittenDigits(Path(data) / "mnist", images=images, width=128)
        super().__init__(
            {"sounds": sounds, "images": pictures}, tasks={"sounds": ["digit", "speaker"]}
        )
