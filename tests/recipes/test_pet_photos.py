"""Pet photos: boxes inside of them, and one split for each."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError, DataError
from plait.data.files import Store
from plait.recipes._pet_photos import Pet, Photos, as_box, split_photos


def pet(name: str, breed: int = 0) -> Pet:
    return Pet(name, breed, None, f"{name}.jpg", f"{name}.png")


def held(*pets: Pet) -> Store:
    """A store that has the files of these photos; what is in them does not matter here."""
    return Store(Path("a.tar"), {file: b"" for each in pets for file in (each.image, each.mask)})


@pytest.mark.parametrize("edges", [("0", "0.1", "1", "0.5"), (0.0, 0.1, 1.0, 0.5)])
def test_a_box_is_four_numbers_in_order(edges: tuple[str | float, ...]) -> None:
    assert as_box(edges, "a") == (0, 0.1, 1, 0.5)


@pytest.mark.parametrize(
    "edges", [(0.5, 0, 0.4, 1), (0, 0, 0, 1), (-0.1, 0, 1, 1), (0, 0, 1.1, 1), ("nan", 0, 1, 1)]
)
def test_a_box_outside_of_its_photo_is_refused(edges: tuple[str | float, ...]) -> None:
    with pytest.raises(DataError, match="line 7: a head box must have 0 <= min < max <= 1"):
        as_box(edges, "line 7")


@pytest.mark.parametrize("edges", [(0, 0, 1), (0, 0, 1, 1, 1), (0, 0, "x", 1)])
def test_what_is_no_box_is_refused(edges: tuple[str | float, ...]) -> None:
    with pytest.raises(DataError, match="line 7: a head box must be four numbers"):
        as_box(edges, "line 7")


def test_every_photo_is_in_one_split_and_each_breed_is_divided_alike() -> None:
    trainval = [pet(f"{breed}-{i}", breed) for breed in (0, 1) for i in range(20)]
    test = [pet("t-1"), pet("t-2", 1)]
    store = held(*trainval, *test)
    parts = {"trainval": trainval, "test": test}
    splits = split_photos(parts, ["a", "b"], store, 8, "lists")
    names = {split: [each.name for each in photos.pets] for split, photos in splits.items()}
    assert sorted(n for each in names.values() for n in each) == sorted(
        each.name for each in (*trainval, *test)
    )
    for breed in (0, 1):
        numbers = {s: sum(p.breed == breed for p in photos.pets) for s, photos in splits.items()}
        assert numbers == {"train": 14, "val": 3, "test": 4}
    turned = {"trainval": trainval[::-1], "test": test}
    again = split_photos(turned, ["a", "b"], store, 8, "lists")
    assert {p.name for p in again["val"].pets} == set(names["val"])


def test_a_photo_listed_twice_is_refused() -> None:
    one = pet("a")
    with pytest.raises(DataError, match="lists: 'a' is listed twice"):
        split_photos({"trainval": [one], "test": [one]}, ["x"], held(one), 8, "lists")


def test_an_empty_split_is_refused() -> None:
    one = pet("a")
    with pytest.raises(DataError, match="lists: the val split is empty"):
        split_photos({"trainval": [one], "test": []}, ["x"], held(one), 8, "lists")


@pytest.mark.parametrize("size", [0, 2.0])
def test_the_size_is_a_whole_number(size: int) -> None:
    with pytest.raises(ConfigError, match="`size` must be a whole number of at least 1"):
        Photos([], ["x"], Store(Path("a")), size)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(DataError, match=r"'a' is listed but has no mask: a\.png in a\.tar"):
        Photos([pet("a")], ["x"], Store(Path("a.tar"), {"a.jpg": b""}), 8)
