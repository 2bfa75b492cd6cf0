"""Both layouts on tiny folders, every rule that a file can break, and the real three breeds."""

import math
import pickle
import struct
import tarfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from plait.core.errors import DataError
from plait.recipes._pet_folders import oxford_pets, pets3
from plait.recipes._pet_photos import Photos
from tests.recipes.pet_folders import (
    BREEDS,
    XML,
    Damage,
    add,
    edited,
    encoded,
    photo,
    rewrite,
    rows,
    trimap,
    write,
    write_official,
    write_pets3,
    write_table,
    write_tar,
    wrong_mask,
)

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pets3"
# --- the official layout --------------------------------------------------------------------


@pytest.fixture
def official(tmp_path: Path) -> Path:
    return write_official(tmp_path)


def by_name(splits: dict[str, Photos], name: str) -> tuple[Photos, int]:
    return next(
        (pets, index)
        for pets in splits.values()
        for index, pet in enumerate(pets.pets)
        if pet.name == name
    )


def test_official_items(official: Path) -> None:
    splits = oxford_pets(official, size=40)
    pets, index = by_name(splits, "Abyssinian_0")
    image, targets = pets[index]
    assert image.shape == (3, 40, 40)
    assert image.dtype == torch.float32
    assert image[:, 20, 5].tolist() == [1, 0, 0]
    assert image[:, 20, 35].tolist() == [0, 0, 1]
    mask = targets["mask"]
    assert mask.shape == (40, 40)
    assert mask.dtype == torch.int64
    assert (mask[:38, :20] == 0).all()
    assert (mask[:38, 20:] == 1).all()
    assert (mask[38:] == 2).all()
    assert targets["head"].dtype == torch.float32
    assert targets["head"].tolist() == pytest.approx([0.1, 0.25, 0.5, 0.5])
    assert targets["breed"].dtype == torch.int64
    assert targets["breed"].shape == ()
    pets, index = by_name(splits, "american_bulldog_5")
    assert pets is splits["test"]
    assert pets[index][1]["breed"] == 1
    assert pets[index][1]["head"].isnan().all()


def test_splits_take_a_share_of_each_breed_whatever_the_order(official: Path) -> None:
    splits = oxford_pets(official)
    assert splits["train"].classes == tuple(BREEDS.values())
    assert {split: len(pets) for split, pets in splits.items()} == {"train": 6, "val": 2, "test": 4}
    assert Counter(pet.breed for pet in splits["val"].pets) == {0: 1, 1: 1}
    assert Counter(pet.breed for pet in splits["test"].pets) == {0: 2, 1: 2}
    names = [pet.name for pets in splits.values() for pet in pets.pets]
    assert len(set(names)) == 12

    path = official / "annotations/trainval.txt"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    again = oxford_pets(official)
    for split, pets in splits.items():
        assert {p.name for p in again[split].pets} == {p.name for p in pets.pets}
    assert again["train"].classes == splits["train"].classes


def test_a_subset_of_the_breeds_is_numbered_from_zero(official: Path) -> None:
    for part in ("trainval", "test"):
        path = official / f"annotations/{part}.txt"
        path.write_text(path.read_text().replace(" 2 1 1", " 37 1 1").replace(" 1 1 1", " 5 1 1"))
    splits = oxford_pets(official)
    assert {pet.breed for pet in splits["train"].pets} == {0, 1}
    assert splits["test"].classes == tuple(BREEDS.values())


def test_a_box_over_the_edge_is_clipped(official: Path) -> None:
    xml = XML.format(width=30, height=20, xmin=-3, ymin=10, xmax=31, ymax=20)
    (official / "annotations/xmls/Abyssinian_0.xml").write_text(xml)
    pets, index = by_name(oxford_pets(official), "Abyssinian_0")
    assert pets.pets[index].head == (0, 0.5, 1, 1)


def test_pictures_with_transparency_or_one_channel_are_read(official: Path) -> None:
    grey, clear = np.full((20, 30), 51, np.uint8), np.full((20, 30, 4), 51, np.uint8)
    for name, values in (("Abyssinian_0", grey), ("Abyssinian_1", clear)):
        (official / f"images/{name}.jpg").write_bytes(encoded(values, "PNG"))
        pets, index = by_name(oxford_pets(official), name)
        assert torch.equal(pets[index][0], torch.full((3, 224, 224), 0.2))


HEAD = "annotations/xmls/Abyssinian_0.xml"
BOMB = '<!DOCTYPE a [<!ENTITY b "boom">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "annotations/test.txt").unlink(), r"test\.txt not found"),
        (lambda root: (root / "images/Abyssinian_0.jpg").unlink(), r"'Abyssinian_0'.* no image"),
        (
            lambda root: (root / "annotations/trimaps/Abyssinian_5.png").unlink(),
            r"'Abyssinian_5'.* no mask: .*Abyssinian_5\.png",
        ),
        (write("annotations/trainval.txt", ""), "class 1 .* unknown"),
        (write("annotations/trainval.txt", b"\xff\xfe"), r"trainval\.txt must be text in UTF-8"),
        (
            write("annotations/trainval.txt", "Abyssinian_0 1 1 1\namerican_bulldog_0 2 1 1"),
            "val split is empty",
        ),
        (
            rewrite("annotations/test.txt", "Abyssinian_5 1", "Abyssinian_5 2"),
            r"test\.txt, line 1.*class 2.* 1 Abyssinian and 2 american_bulldog",
        ),
        (rewrite("annotations/test.txt", "Abyssinian_5 1", "Persian_5 1"), "1 Abyssinian"),
        (rewrite("annotations/test.txt", "Abyssinian_5 1", "Persian_5 9"), "class 9 .* unknown"),
        (rewrite("annotations/test.txt", "Abyssinian_5 1", "Abyssinian_0 1"), "listed twice"),
        (rewrite("annotations/test.txt", "Abyssinian_5 1", "Abyssinian 1"), "BREED_NUMBER"),
        (rewrite("annotations/test.txt", "Abyssinian_5 1", "Abyssinian_5 one"), "CLASS-ID"),
        (
            rewrite("annotations/test.txt", "Abyssinian_5 1", "Abyssinian_5 " + "9" * 5000),
            "CLASS-ID",
        ),
        (rewrite("annotations/test.txt", "Abyssinian_5", "../../Abyssinian_5"), "no folders"),
        (rewrite("annotations/test.txt", "Abyssinian_5", "/etc/Abyssinian_5"), "no folders"),
        (rewrite("annotations/test.txt", "Abyssinian_5", "C:Abyssinian_5"), "no folders"),
        (rewrite("annotations/test.txt", "Abyssinian_5", "..\\Abyssinian_5"), "no folders"),
        (rewrite("annotations/test.txt", "Abyssinian_5", "A\0_5"), "no folders"),
        (rewrite("annotations/test.txt", "Abyssinian_5", "A" * 300 + "_5"), "at most 60"),
        (write(HEAD, BOMB), "document type"),
        (write(HEAD, BOMB.encode("utf-16")), "UTF-8"),
        (write(HEAD, "<annotation>"), r"Abyssinian_0\.xml must be an annotation"),
        (write(HEAD, "<annotation/>"), r"Abyssinian_0\.xml must be an annotation"),
        (rewrite(HEAD, "<width>30", "<width>0"), "must be positive"),
        (rewrite(HEAD, "<width>30", "<width>nan"), "must be positive"),
        (rewrite(HEAD, "<xmin>3", "<xmin>nan"), "min < max"),
        (rewrite(HEAD, "<xmin>3", "<xmin>20"), "min < max"),
    ],
)
def test_a_folder_that_breaks_a_rule_is_refused(official: Path, damage: Damage, words: str) -> None:
    damage(official)
    with pytest.raises(DataError, match=words):
        oxford_pets(official)


def huge_png() -> bytes:
    """The header of a PNG of 60000 x 60000 pixels: 10 GB, were it decoded."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


IMAGE, MASK = "images/Abyssinian_0.jpg", "annotations/trimaps/Abyssinian_0.png"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (write(MASK, wrong_mask(0)), r"trimaps/Abyssinian_0\.png must have the values.* found 0"),
        (write(MASK, wrong_mask(4)), "found 4"),
        (write(MASK, wrong_mask(255)), "found 255"),
        (write(MASK, photo()), "found 3 channels"),
        (write(MASK, trimap(20, 31)), r"size of its image; found \(31, 20\)"),
        (write(MASK, trimap()[:50]), r"Abyssinian_0\.png must be a whole"),
        (write(IMAGE, photo()[:-40]), r"Abyssinian_0\.jpg must be a whole .*truncated"),
        (write(IMAGE, b""), "found neither"),
        (write(IMAGE, encoded(np.zeros((20, 30), np.uint8), "GIF")), "found neither"),
        (write(IMAGE, huge_png()), "would fill the memory"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_when_read(
    official: Path, damage: Damage, words: str
) -> None:
    damage(official)
    pets, index = by_name(oxford_pets(official), "Abyssinian_0")
    with pytest.raises(DataError, match=words):
        pets[index]


def test_one_wrong_pixel_is_found_at_any_size(official: Path) -> None:
    """Nearest resampling would skip it: masks are checked before they are resized."""
    write(MASK, wrong_mask(9))(official)
    pets, index = by_name(oxford_pets(official, size=2), "Abyssinian_0")
    with pytest.raises(DataError, match="found 9"):
        pets[index]


def test_a_missing_folder_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images, annotations/trimaps.*trainval\.txt.*no such"):
        oxford_pets(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"pets3_224\.tar, labels\.csv; .*no such folder"):
        pets3(tmp_path / "nowhere")


# --- the tar of three breeds ----------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_pets3(tmp_path / "in" / "pets3")


def test_tar_items(small: Path) -> None:
    splits = pets3(small)
    assert {split: len(pets) for split, pets in splits.items()} == {
        "train": 9,
        "val": 3,
        "test": 9,
    }
    pets, index = by_name(splits, "Abyssinian_0")
    image, targets = pets[index]
    assert image.shape == (3, 224, 224)
    assert targets["mask"].unique().tolist() == [0, 1, 2]
    assert targets["head"].tolist() == [0.25, 0.125, 0.5, 1]
    listed = {pet.name for pet in splits["test"].pets[:6]}
    assert listed == {row[0] for row in rows() if row[1] == "test"}
    assert splits["test"][0][1]["head"].isnan().all()
    outside = sorted(path.name for path in small.parents[1].rglob("*") if path.is_file())
    assert outside == ["labels.csv", "pets3_224.tar"], "nothing is unpacked"


def test_pets_cross_to_workers(small: Path) -> None:
    pets = pets3(small)["val"]
    copy = pickle.loads(pickle.dumps(pets))
    assert torch.equal(copy[0][0], pets[0][0])
    batches = list(DataLoader(pets, batch_size=3, num_workers=2))
    assert batches[0][0].shape == (3, 3, 224, 224)
    assert batches[0][1]["head"].shape == (3, 4)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            edited(3, "breed_id", "7"),
            r"labels\.csv, line 5: the class of Abyssinian must be 0.*'7'",
        ),
        (edited(3, "breed_id", "1"), r"must be 0; found '1'"),
        (edited(3, "breed", "Abysinian"), "Did you mean 'Abyssinian'"),
        (edited(3, "split", "tests"), "Did you mean 'test'"),
        (edited(3, "name", "../Abyssinian_3"), "no folders"),
        (edited(3, "name", ""), "no folders"),
        (edited(3, "name", "Abyssinian_2"), "listed twice"),
        (edited(3, "name", "Abyssinian_99"), "'Abyssinian_99' is listed but has no image"),
        (edited(0, "head_xmin", ""), "four numbers"),
        (edited(0, "head_xmin", "left"), "four numbers"),
        (edited(0, "head_xmin", "nan"), "min < max"),
        (edited(0, "head_xmin", "120"), "fractions"),
        (lambda folder: write_tar(folder, "masks/Bengal_6.png"), r"'Bengal_6'.* no mask: masks/"),
        (lambda folder: write_table(folder, []), "train split is empty"),
        (lambda folder: write_table(folder, [["Bengal_0", "test"]]), "must have the columns"),
        (lambda folder: write_table(folder, [r for r in rows() if r[1] == "test"]), "train split"),
        (lambda folder: write_table(folder, rows()[:3]), "val split is empty; 3 photos"),
        (lambda folder: (folder / "labels.csv").write_text('a,b\n"c'), "comma-separated"),
        (lambda folder: (folder / "labels.csv").unlink(), r"labels\.csv not found"),
        (lambda folder: (folder / "pets3_224.tar").write_bytes(b"x" * 2000), "whole tar archive"),
        (
            lambda folder: (folder / "pets3_224.tar").write_bytes(
                (folder / "pets3_224.tar").read_bytes()[:9000]
            ),
            "no image|no mask|truncated",
        ),
    ],
)
def test_a_tar_folder_that_breaks_a_rule_is_refused(
    small: Path, damage: Damage, words: str
) -> None:
    damage(small)
    with pytest.raises(DataError, match=words):
        pets3(small)


def test_a_link_in_the_archive_is_not_followed(small: Path) -> None:
    with tarfile.open(small / "pets3_224.tar", "w") as archive:
        for row in rows():
            add(archive, f"masks/{row[0]}.png", trimap(224, 224))
            add(
                archive, f"images/{row[0]}.jpg", b"", type=tarfile.SYMTYPE, linkname="/etc/hostname"
            )
    with pytest.raises(DataError, match="has no image"):
        pets3(small)


# --- the real data --------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the pets3 data are not in {REAL}")
def test_the_real_three_breeds() -> None:
    splits = pets3(REAL)
    assert {split: len(p) for split, p in splits.items()} == {"train": 210, "val": 45, "test": 343}
    assert Counter(pet.breed for pet in splits["val"].pets) == {0: 15, 1: 15, 2: 15}
    heads = {s: sum(pet.head is not None for pet in pets.pets) for s, pets in splits.items()}
    assert sum(heads.values()) == 296  # of the 300 photos of trainval
    assert 40 < heads["test"] <= 45
    seen = torch.zeros(3)
    for pets in splits.values():
        for index in range(0, len(pets), 10):
            image, targets = pets[index]
            assert image.shape == (3, 224, 224)
            assert 0 <= float(image.min()) < float(image.max()) <= 1
            seen += torch.bincount(targets["mask"].flatten(), minlength=3)
            assert math.isnan(targets["head"][0]) == (pets.pets[index].head is None)
    shares = (seen / seen.sum()).tolist()
    assert shares == pytest.approx([0.28, 0.59, 0.13], abs=0.05)  # as the data's description says
