"""Readers of the Oxford-IIIT Pet data: the official folder, and one tar of three breeds.

Both come from strangers: no name leaves the folder, and every rule that a file breaks is a
`DataError` that names the file.

Reference: Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from plait.core.errors import DataError, unknown
from plait.data.files import Store, folder_with, read_tar, safe_name, text_of
from plait.recipes._pet_photos import Box, Pet, Photos, as_box, split_photos

PETS3_CLASSES = ("Abyssinian", "american_bulldog", "Bengal")

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_LIST_LINE = re.compile(r"(\S+)\s+(\d{1,6})\s+\d{1,6}\s+\d{1,6}\s*")


def pets3(folder: Path | str, *, size: int = 224) -> dict[str, Photos]:
    """Reads the three-breed copy: `pets3_224.tar` (images, masks, 224 pixels) and `labels.csv`.

    The tar's 8 MB are kept in memory: workers and copies of the data then share no open file.

    Args:
        folder: holds both.
        size: height and width in pixels to which images and masks are resized; at least 1.

    Returns:
        `{"train": ..., "val": ..., "test": ...}`. Of each breed in the official trainval list, 15 %
        go to validation and 15 % join the official test list, by a fixed function of the name: only
        trainval photos have head boxes, and without these the test split could not score them.

    Raises:
        DataError: a file is missing or broken, a label is unknown, or a split is empty.
    """
    root = folder_with(folder, ("pets3_224.tar", "labels.csv"))
    labels = root / "labels.csv"
    reader = csv.DictReader(io.StringIO(text_of(labels), newline=""), strict=True)
    parts: dict[str, list[Pet]] = {"trainval": [], "test": []}
    try:
        for row in reader:
            _add_row(row, parts, f"{labels}, line {reader.line_num}")
    except csv.Error as error:
        raise DataError(f"{labels} must be a table of comma-separated values; {error}.") from None
    files = {file for part in parts.values() for pet in part for file in (pet.image, pet.mask)}
    store = read_tar(root / "pets3_224.tar", files)
    return split_photos(parts, PETS3_CLASSES, store, size, str(labels))


def oxford_pets(folder: Path | str, *, size: int = 224) -> dict[str, Photos]:
    """Reads the official layout of the Oxford-IIIT Pet data.

        images/NAME.jpg   annotations/trimaps/NAME.png   annotations/xmls/NAME.xml (optional)
        annotations/trainval.txt, annotations/test.txt: lines `NAME CLASS-ID SPECIES BREED-ID`

    A breed is what stands before the number in NAME; classes are in the order of CLASS-ID. Head
    boxes are divided by the photo's width and height as they are written, and clipped to the photo.

    Args:
        folder: holds `images` and `annotations`.
        size: height and width in pixels of images and masks; at least 1; 224 by default.

    Returns:
        the splits, by the rule of `pets3`.

    Raises:
        DataError: a file is missing or broken, a label is unknown, or a split is empty.
    """
    lists = {part: f"annotations/{part}.txt" for part in ("trainval", "test")}
    root = folder_with(folder, ("images", "annotations/trimaps", *lists.values()))
    store = Store(root)
    breeds: dict[int, str] = {}
    entries = {part: list(_read_list(root / file, breeds)) for part, file in lists.items()}
    known = sorted({number for _, number, _ in entries["trainval"]})
    parts: dict[str, list[Pet]] = {part: [] for part in entries}
    for part, listed in entries.items():
        for name, number, place in listed:
            if number not in known:
                raise DataError(
                    f"{place}: class {number} of {name!r} is unknown: no photo in "
                    f"{lists['trainval']} has it. Add some there, or take the line off the list."
                )
            head = f"annotations/xmls/{name}.xml"
            box = _xml_head(store, head) if store.has(head) else None
            files = f"images/{name}.jpg", f"annotations/trimaps/{name}.png"
            parts[part].append(Pet(name, known.index(number), box, *files))
    classes = [breeds[number] for number in known]
    return split_photos(parts, classes, store, size, f"{root}/annotations")


def _add_row(row: Mapping[str, str | None], parts: Mapping[str, list[Pet]], place: str) -> None:
    """Adds the photo of one row of `labels.csv` to its official list, after checks."""
    columns = ("name", "split", "breed", "breed_id", *(f"head_{edge}" for edge in _EDGES))
    name, split, breed, number, *edges = (row.get(column) for column in columns)
    if name is None or split is None or breed is None or number is None or None in edges:
        raise DataError(f"{place} must have the columns {', '.join(columns)}. Is it cut off?")
    if split not in parts:
        raise DataError(f"{place}: {unknown('split', split, parts)}")
    if breed not in PETS3_CLASSES:
        raise DataError(f"{place}: {unknown('breed', breed, PETS3_CLASSES)}")
    index = PETS3_CLASSES.index(breed)
    if number != str(index):
        raise DataError(f"{place}: the class of {breed} must be {index}; found {number!r}.")
    name = safe_name(name, place)
    head = as_box([edge or "" for edge in edges], place) if any(edges) else None
    parts[split].append(Pet(name, index, head, f"images/{name}.jpg", f"masks/{name}.png"))


def _read_list(path: Path, breeds: dict[int, str]) -> Iterable[tuple[str, int, str]]:
    """Yields (name, class id, place) of each line of an official list; fills `{id: breed}`."""
    for count, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        place, fields = f"{path}, line {count}", _LIST_LINE.fullmatch(line)
        if fields is None:
            raise DataError(
                f"{place} must be `NAME CLASS-ID SPECIES BREED-ID`; found {line[:80]!r}."
            )
        name, number = safe_name(fields[1], place), int(fields[2])
        breed, _, serial = name.rpartition("_")
        if not breed or not serial.isdecimal():
            raise DataError(f"{place}: a name must be BREED_NUMBER; found {name!r}.")
        clashes = [f"{n} {b}" for n, b in breeds.items() if (n == number) != (b == breed)]
        if clashes:
            raise DataError(
                f"{place}: {name!r} has class {number}, but the lines before have "
                f"{' and '.join(clashes)}. Correct the line that is wrong."
            )
        breeds[number] = breed
        yield name, number, place


def _xml_head(store: Store, file: str) -> Box:
    """Reads the first head box of an annotation, as fractions of the photo."""
    place, text = store.place(file), text_of(store.root / file)
    # Declared entities can grow a small file to gigabytes while it is parsed.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{place} must not declare a document type or entities. Remove them.")
    try:
        tree = ElementTree.fromstring(text)
        size = [float(tree.findtext(f"size/{side}", "")) for side in ("width", "height")]
        edges = [float(tree.findtext(f"object/bndbox/{edge}", "")) for edge in _EDGES]
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(
            f"{place} must be an annotation with size and object/bndbox in pixels; {error}. "
            "Copy or download it again."
        ) from None
    if not all(0 < side < math.inf for side in size):
        raise DataError(f"{place}: width and height must be positive; found {size}. Correct them.")
    scaled = (edge / side for edge, side in zip(edges, size * 2, strict=True))
    return as_box([min(max(edge, 0.0), 1.0) for edge in scaled], place)
