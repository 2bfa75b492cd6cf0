"""Tiny folders of pet photos in both layouts, and ways to break them."""

import csv
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from plait.recipes._pet_folders import PETS3_CLASSES

BREEDS = {1: "Abyssinian", 2: "american_bulldog"}
XML = """<annotation><size><width>{width}</width><height>{height}</height></size>
<object><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>
</object></annotation>"""
COLUMNS = ["name", "split", "breed", "breed_id", "species"]
COLUMNS += ["head_xmin", "head_ymin", "head_xmax", "head_ymax"]

Damage = Callable[[Path], object]


def encoded(values: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    return file.getvalue()


def photo(height: int = 20, width: int = 30) -> bytes:
    """Red on the left half, blue on the right, as PNG: its values survive."""
    values = np.zeros((height, width, 3), np.uint8)
    values[:, : width // 2, 0] = 255
    values[:, width // 2 :, 2] = 255
    return encoded(values, "PNG")


def trimap(height: int = 20, width: int = 30) -> bytes:
    """1 on the left half, 2 on the right, 3 in the last row."""
    values = np.ones((height, width), np.uint8)
    values[:, width // 2 :] = 2
    values[-1] = 3
    return encoded(values, "PNG")


def wrong_mask(value: int, height: int = 20, width: int = 30) -> bytes:
    """A mask of ones with a single pixel of another value."""
    values = np.ones((height, width), np.uint8)
    values[7, 11] = value
    return encoded(values, "PNG")


def write_official(root: Path) -> Path:
    """Two breeds with five photos each in trainval and one each in test; one head box."""
    for folder in ("images", "annotations/trimaps", "annotations/xmls"):
        (root / folder).mkdir(parents=True)
    lists: dict[str, list[str]] = {"trainval": ["# a comment", ""], "test": []}
    for number, breed in BREEDS.items():
        for serial in range(6):
            name = f"{breed}_{serial}"
            (root / f"images/{name}.jpg").write_bytes(photo())
            (root / f"annotations/trimaps/{name}.png").write_bytes(trimap())
            lists["test" if serial == 5 else "trainval"].append(f"{name} {number} 1 1")
    for part, lines in lists.items():
        (root / f"annotations/{part}.txt").write_text("\n".join(lines) + "\n")
    xml = XML.format(width=30, height=20, xmin=3, ymin=5, xmax=15, ymax=10)
    (root / "annotations/xmls/Abyssinian_0.xml").write_text(xml)
    return root


def rewrite(file: str, old: str, new: str) -> Damage:
    def damage(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new))

    return damage


def write(file: str, content: bytes | str) -> Damage:
    data = content.encode() if isinstance(content, str) else content
    return lambda root: (root / file).write_bytes(data)


def rows() -> list[list[str]]:
    """Five photos of each breed in trainval, two in test; one head box."""
    found = [
        [f"{breed}_{serial}", "test" if serial > 4 else "trainval", breed, str(index), "x"]
        + [""] * 4
        for index, breed in enumerate(PETS3_CLASSES)
        for serial in range(7)
    ]
    found[0][5:] = ["0.25", "0.125", "0.5", "1"]
    return found


def write_table(folder: Path, table: list[list[str]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *table])


def edited(row: int, column: str, value: str) -> Damage:
    def damage(folder: Path) -> None:
        table = rows()
        table[row][COLUMNS.index(column)] = value
        write_table(folder, table)

    return damage


def add(archive: tarfile.TarFile, name: str, content: bytes, **attributes: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(content))


def write_tar(folder: Path, leave_out: str = "", replace: dict[str, bytes] | None = None) -> None:
    """All photos and masks of `rows`, but for one file, with other content for some."""
    with tarfile.open(folder / "pets3_224.tar", "w") as archive:
        add(archive, "../../outside.txt", b"no", mode=0o777)
        for row in rows():
            for file, content in (
                (f"images/{row[0]}.jpg", photo(224, 224)),
                (f"masks/{row[0]}.png", trimap(224, 224)),
            ):
                if file != leave_out:
                    add(archive, file, (replace or {}).get(file, content))


def write_pets3(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder, rows())
    write_tar(folder)
    return folder
