"""The Oxford-IIIT Pet data in its official layout."""

from __future__ import annotations

from pathlib import Path

from plait.recipes._pet_folders import oxford_pets
from plait.recipes.pets import PetPhotos


class OxfordPets(PetPhotos):
    """The Oxford-IIIT Pet data: 37 breeds, 7,349 photos, in the official layout.

    The folder holds `images/NAME.jpg`, `annotations/trimaps/NAME.png`, `annotations/trainval.txt`,
    `annotations/test.txt` and, if head boxes are wanted, `annotations/xmls/NAME.xml`.

    Args:
        data: the folder.
        size: side in pixels to which photos and masks are resized.
        augment: flip, crop, scale and colour in training, of image, mask and box together.

    Raises:
        DataError: a file is missing or broken, or a label is unknown.

    Licence: Creative Commons Attribution-ShareAlike 4.0; the photographs stay with their owners.

    Reference (data): Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012.
    """

    def __init__(self, *, data: Path, size: int = 224, augment: bool = True) -> None:
        super().__init__(oxford_pets(data, size=size), augment=augment)
