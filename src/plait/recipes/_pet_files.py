"""Readers of the Oxford-IIIT Pet data: breed, outline and head box of one animal per photo.

Two layouts are read: the official folder, and one tar of small copies of three breeds. Both come
from strangers: nothing is unpacked, no name leaves the folder, and every rule that a file breaks is
a `DataError` that names the file.

Reference: Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import DataError, unknown
from plait.core.extras import need
from plait.core.seeding import derive_seed

PETS3_CLASSES = ("Abyssinian", "american_bulldog", "Bengal")
MASK_CLASSES = ("pet", "background", "border")
GEOMETRY = {"mask": "mask", "head": "box"}  # how `plait.data.Augment` moves the labels

_MAX_BYTES = 64 * 2**20  # of one file; a photo has under 4 MB
_VALIDATION_SHARE = _TEST_SHARE = 0.15  # of each breed in the official trainval list
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_LIST_LINE = re.compile(r"(\S+)\s+(\d{1,6})\s+\d{1,6}\s+\d{1,6}\s*")

Box = tuple[float, float, float, float]


class Pet(NamedTuple):
    """One photo: its name, breed (class index), head box (None if missing), and its two files."""

    name: str
    breed: int
    head: Box | None
    image: str
    mask: str


@dataclass(frozen=True)
class Store:
    """Files by their relative name: members of an archive, in memory, or else of a folder."""

    root: Path
    members: Mapping[str, bytes] | None = None

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.root / name).is_file() if self.members is None else name in self.members

    def read(self, name: str) -> bytes:
        """Returns the file's content."""
        return _bytes(self.root / name) if self.members is None else self.members[name]

    def place(self, name: str) -> str:
        """Returns what a message calls the file."""
        return str(self.root / name) if self.members is None else f"{name} in {self.root}"


class Pets(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The photos of one split with their labels; files are decoded anew at every access.

    Args:
        pets: what is known of each photo without opening it.
        classes: names of the breeds; `Pet.breed` is an index into them.
        store: where the files are.
        size: height and width in pixels of images and masks, at least 1.

    Shapes:
        item: (image float32 `[3, size, size]` in [0, 1],
        {"breed": int64 `[]`, "mask": int64 `[size, size]` with 0 pet, 1 background, 2 border,
        "head": float32 `[4]`, (xmin, ymin, xmax, ymax) as fractions of width and height, NaN where
        missing}). The aspect is not kept.

    Raises:
        DataError: at construction, a listed photo has no image or no mask; at reading, a file is
            broken, or a mask has a value outside 1..3.
    """

    def __init__(
        self, pets: Iterable[Pet], classes: Iterable[str], store: Store, size: int
    ) -> None:
        _pillow()  # its absence is better known now than at the first photo
        self.pets, self.classes = tuple(pets), tuple(classes)
        self.store, self.size = store, size
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
        image, mask = self._decode(pet.image), self._decode(pet.mask)
        if image.size != mask.size:
            raise DataError(
                f"{self.store.place(pet.mask)} must have the size of its image; found {mask.size}, "
                f"the image has {image.size}. Does it belong to another copy of the photo?"
            )
        self._check_mask(np.asarray(mask), self.store.place(pet.mask))
        sides, resampling = (self.size, self.size), _pillow().Resampling
        pixels = np.array(image.convert("RGB").resize(sides, resampling.BILINEAR))
        classes = np.array(mask.resize(sides, resampling.NEAREST), np.int64) - 1
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div_(255), {
            "breed": torch.tensor(pet.breed),
            "mask": torch.from_numpy(classes),
            "head": torch.tensor(pet.head or (math.nan,) * 4),
        }

    def _decode(self, file: str) -> Any:
        content, pillow = self.store.read(file), _pillow()
        try:
            # Some official photos are PNG files named .jpg; no other decoder is let near the bytes.
            image = pillow.open(io.BytesIO(content), formats=["JPEG", "PNG"])
            image.load()
        # What Pillow raises for broken files; a bomb is an image of absurd size.
        except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
            foreign = isinstance(error, pillow.UnidentifiedImageError)
            raise DataError(
                f"{self.store.place(file)} must be a whole JPEG or PNG image; "
                f"{'found neither' if foreign else error}. "
                "Is the file truncated? Copy or download it again."
            ) from None
        return image

    def _check_mask(self, values: np.ndarray[Any, Any], place: str) -> None:
        wrong = values[(values < 1) | (values > len(MASK_CLASSES))]
        if values.ndim != 2 or wrong.size:
            flat = values.ndim == 2
            raise DataError(
                f"mask {place} must have the values 1 (pet), 2 (background) and 3 (border) in one "
                f"channel; found {int(wrong[0]) if flat else f'{values.shape[-1]} channels'}. "
                "Is it a mask of another data set, or a picture of one in colours?"
            )


def pets3(folder: Path | str) -> dict[str, Pets]:
    """Reads the three-breed copy: `pets3_224.tar` (images, masks, 224 pixels) and `labels.csv`.

    The tar's 8 MB are kept in memory: workers and copies of the data then share no open file.

    Returns:
        `{"train": ..., "val": ..., "test": ...}`. Of each breed in the official trainval list, 15 %
        go to validation and 15 % join the official test list, by a fixed function of the name: only
        trainval photos have head boxes, and without these the test split could not score them.

    Raises:
        DataError: a file is missing or broken, a label is unknown, or a split is empty.
    """
    root = _folder(folder, ("pets3_224.tar", "labels.csv"))
    labels = root / "labels.csv"
    reader = csv.DictReader(io.StringIO(_text(labels), newline=""), strict=True)
    parts: dict[str, list[Pet]] = {"trainval": [], "test": []}
    try:
        for row in reader:
            _add_row(row, parts, f"{labels}, line {reader.line_num}")
    except csv.Error as error:
        raise DataError(f"{labels} must be a table of comma-separated values; {error}.") from None
    files = {file for part in parts.values() for pet in part for file in (pet.image, pet.mask)}
    store = _read_tar(root / "pets3_224.tar", files)
    return _splits(parts, PETS3_CLASSES, store, 224, str(labels))


def oxford_pets(folder: Path | str, *, size: int = 224) -> dict[str, Pets]:
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
    root = _folder(folder, ("images", "annotations/trimaps", *lists.values()))
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
    return _splits(parts, [breeds[number] for number in known], store, size, f"{root}/annotations")


def _pillow() -> ModuleType:
    return need("PIL.Image", extra="app", purpose="Reading images")


def _folder(folder: Path | str, expected: Sequence[str]) -> Path:
    """Returns the folder as a path, once all that it has to hold is there."""
    root = Path(folder)
    absent = [name for name in expected if not (root / name).exists()]
    if absent:
        finding = f"{', '.join(absent)} not found" if root.is_dir() else "there is no such folder"
        raise DataError(
            f"the data folder {root} must hold {', '.join(expected)}; {finding}. "
            "Give the folder that the data were put in."
        )
    return root


def _safe(name: str, place: str) -> str:
    """Returns `name` if files named after it stay in their folder; every listed name comes here."""
    if not re.fullmatch(r"[\w-][\w. -]{0,59}", name):
        raise DataError(
            f"{place}: a name must be letters, digits, '_', '-', '.' and no folders, at most 60 "
            f"characters; found {name[:80]!r}. Are the data from a source that you trust?"
        )
    return name


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} must be a file that can be read; {error.strerror}.") from None
    if len(content) > _MAX_BYTES:
        raise DataError(
            f"{path} must have at most {_MAX_BYTES} bytes; found more. Is it that file?"
        )
    return content


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} must be text in UTF-8. Save it in that encoding.") from None


def _read_tar(path: Path, names: set[str]) -> Store:
    """Reads the named members of an uncompressed archive.

    Links are not followed. Sparse members are passed over: they can be far larger than the archive.
    """
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                plain = member.isreg() and not member.issparse() and member.size <= _MAX_BYTES
                file = archive.extractfile(member) if plain and member.name in names else None
                if file is not None:
                    members[member.name] = file.read()
    except (tarfile.TarError, OSError, ValueError) as error:
        raise DataError(
            f"{path} must be a whole, uncompressed tar archive; {error}. "
            "Is it truncated? Copy or download it again."
        ) from None
    return Store(path, members)


def _add_row(row: Mapping[str, str | None], parts: Mapping[str, list[Pet]], place: str) -> None:
    """Checks one row of `labels.csv` and adds its photo to its part."""
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
    name = _safe(name, place)
    head = _box([edge or "" for edge in edges], place) if any(edges) else None
    parts[split].append(Pet(name, index, head, f"images/{name}.jpg", f"masks/{name}.png"))


def _box(edges: Sequence[str | float], place: str) -> Box:
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


def _read_list(path: Path, breeds: dict[int, str]) -> Iterable[tuple[str, int, str]]:
    """Yields name, class id and place of an official list's lines, and adds to `{id: breed}`."""
    for count, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        place, fields = f"{path}, line {count}", _LIST_LINE.fullmatch(line)
        if fields is None:
            raise DataError(
                f"{place} must be `NAME CLASS-ID SPECIES BREED-ID`; found {line[:80]!r}."
            )
        name, number = _safe(fields[1], place), int(fields[2])
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
    place, text = store.place(file), _text(store.root / file)
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
    return _box([min(max(edge, 0.0), 1.0) for edge in scaled], place)


def _splits(
    parts: Mapping[str, Sequence[Pet]], classes: Sequence[str], store: Store, size: int, source: str
) -> dict[str, Pets]:
    trainval, test = parts["trainval"], parts["test"]
    twice = [name for name, n in Counter(pet.name for pet in (*trainval, *test)).items() if n > 1]
    if twice:
        raise DataError(
            f"{source}: {twice[0]!r} is listed twice. Keep one: a photo is in one split."
        )
    held: dict[str, set[str]] = {"val": set(), "test": set()}
    for breed in range(len(classes)):
        # Ordered by a hash of the name, which neither other photos nor the file's order change.
        names = sorted(
            (pet.name for pet in trainval if pet.breed == breed),
            key=lambda name: derive_seed("pets, validation", name),
        )
        first = round(_VALIDATION_SHARE * len(names))
        held["val"].update(names[:first])
        held["test"].update(names[first : first + round(_TEST_SHARE * len(names))])
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
                "trainval: list at least four of one breed there, and one as test."
            )
    return {split: Pets(pets, classes, store, size) for split, pets in splits.items()}
