"""Photos of pets with breed, outline and head box, and their splits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import ConfigError, DataError
from plait.data.files import Store
from plait.data.images import bytes_of_picture, decode, decoder, values_of_mask
from plait.data.readers import Kept
from plait.data.splits import held_out_by_hash

CACHE = 2**30  # bytes of decoded photos and masks of a split that are kept in memory
MASK_CLASSES = ("pet", "background", "border")
SHARES = {"val": 0.15, "test": 0.15}  # of each breed in the official trainval list

Box = tuple[float, float, float, float]


class Pet(NamedTuple):
    """The facts about a photo that are known without opening it.

    Attributes:
        name: unique among all photos.
        breed: index into the names of the breeds.
        head: (xmin, ymin, xmax, ymax) as fractions of width and height; None if missing.
        image: relative name of the photo's file.
        mask: relative name of its mask's file.
    """

    name: str
    breed: int
    head: Box | None
    image: str
    mask: str


class Photos(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """A data set of pet photos with their labels, decoded once each as far as 1 GiB has room.

    Args:
        pets: what is known of each photo without opening it.
        classes: names of the breeds; `Pet.breed` is an index into them.
        store: where the files are.
        size: height and width in pixels of images and masks, at least 1.

    Shapes: items are (image, labels), with float32 images `[3, size, size]` in [0, 1], whose aspect
        is not kept; "breed", int64 `[]`; "mask", int64 `[size, size]`, 0 pet, 1 background, 2
        border; "head", float32 `[4]`, as in `Pet`, NaN where missing.

    Raises:
        ConfigError: `size` is out of range.
        DataError: at construction, a listed photo has no image or no mask; at reading, a file is
            broken, or a mask has a value outside 1..3.
    """

    def __init__(
        self, pets: Iterable[Pet], classes: Iterable[str], store: Store, size: int
    ) -> None:
        if not isinstance(size, int) or size < 1:
            raise ConfigError(f"`size` must be a whole number of at least 1; found {size!r}.")
        decoder()  # its absence is better known now than at the first photo
        self.pets, self.classes = tuple(pets), tuple(classes)
        self.store, self.size = store, size
        kept = CACHE // (4 * size * size)
        self._kept = Kept(range(min(kept, len(self.pets))), (4, size, size))
        for pet in self.pets:
            for kind, file in (("image", pet.image), ("mask", pet.mask)):
                if not store.has(file):
                    raise DataError(
                        f"{pet.name!r} is listed but has no {kind}: {store.place(file)} is "
                        "missing. Add the file or take the name off the list."
                    )

    def __len__(self) -> int:
        return len(self.pets)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        pet = self.pets[index]
        layers = self._kept.get(index, lambda: self._decoded(pet))
        return layers[:3].float().div_(255), {
            "breed": torch.tensor(pet.breed),
            "mask": layers[3].long() - 1,
            "head": torch.tensor(pet.head or (math.nan,) * 4),
        }

    def _decoded(self, pet: Pet) -> Tensor:
        """Returns the colours of a photo and the values of its mask, uint8 `[4, size, size]`."""
        place = self.store.place(pet.mask)
        image = decode(self.store.read(pet.image), self.store.place(pet.image))
        outline = decode(self.store.read(pet.mask), place)
        if image.size != outline.size:
            raise DataError(
                f"{place} must have the size of its image; found {outline.size}, the image has "
                f"{image.size}. Does it belong to another copy of the photo?"
            )
        _check_mask(np.asarray(outline), place)
        size = (self.size, self.size)
        return torch.cat(
            [bytes_of_picture(image, size), values_of_mask(outline, size)[None].byte()]
        )


def _check_mask(values: np.ndarray[Any, Any], place: str) -> None:
    wrong = values[(values < 1) | (values > len(MASK_CLASSES))]
    if values.ndim != 2 or wrong.size:
        flat = values.ndim == 2
        raise DataError(
            f"mask {place} must have the values 1 (pet), 2 (background) and 3 (border) in one "
            f"channel; found {int(wrong[0]) if flat else f'{values.shape[-1]} channels'}. "
            "Is it a mask of another data set, or a picture of one in colours?"
        )


def as_box(edges: Sequence[str | float], place: str) -> Box:
    """Turns four edges into a box, after a check that it lies inside of its photo.

    Args:
        edges: xmin, ymin, xmax, ymax as fractions of width and height.
        place: where they are written, for the message.

    Raises:
        DataError: they are no numbers, or no such box.
    """
    try:
        xmin, ymin, xmax, ymax = (float(edge) for edge in edges)
    except ValueError:
        raise DataError(f"{place}: a head box must be four numbers; found {list(edges)}.") from None
    if not (0 <= xmin < xmax <= 1 and 0 <= ymin < ymax <= 1):
        raise DataError(
            f"{place}: a head box must have 0 <= min < max <= 1 in both directions; found "
            f"{[xmin, ymin, xmax, ymax]}, as fractions of width and height. Correct it."
        )
    return xmin, ymin, xmax, ymax


def split_photos(
    parts: Mapping[str, Sequence[Pet]], classes: Sequence[str], store: Store, size: int, source: str
) -> dict[str, Photos]:
    """Divides the photos of the official lists into training, validation and test.

    Of each breed in "trainval", 15 % go to validation and 15 % join the official "test".

    Args:
        parts: the official lists, "trainval" and "test".
        classes: names of the breeds.
        store: where the files are.
        size: height and width in pixels of images and masks.
        source: where the lists are, for messages.

    Raises:
        DataError: a photo is listed twice, or a split is empty.
    """
    trainval, test = parts["trainval"], parts["test"]
    twice = [name for name, n in Counter(pet.name for pet in (*trainval, *test)).items() if n > 1]
    if twice:
        raise DataError(
            f"{source}: {twice[0]!r} is listed twice. Keep one: a photo is in one split."
        )
    held: dict[str, set[str]] = {split: set() for split in SHARES}
    for breed in range(len(classes)):
        names = [pet.name for pet in trainval if pet.breed == breed]
        for split, chosen in held_out_by_hash(names, SHARES, salt="pets, validation").items():
            held[split] |= chosen
    splits = {
        "train": [pet for pet in trainval if pet.name not in held["val"] | held["test"]],
        "val": [pet for pet in trainval if pet.name in held["val"]],
        "test": [*test, *(pet for pet in trainval if pet.name in held["test"])],
    }
    for split, pets in splits.items():
        if not pets:
            raise DataError(
                f"{source}: the {split} split is empty; {len(trainval)} photos are listed as "
                f"trainval and {len(test)} as test. Validation takes 15 % of each breed in "
                "trainval, and so does the test split: list at least four of one breed there."
            )
    return {split: Photos(pets, classes, store, size) for split, pets in splits.items()}
