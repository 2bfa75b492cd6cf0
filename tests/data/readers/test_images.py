"""Pictures of rows: resized, upright, kept, and grey where there is none."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from plait.core.errors import DataError
from plait.data.images import bytes_of_picture
from plait.data.readers.images import Images
from tests.data.readers.conftest import png

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)


def test_a_picture_is_that_of_its_file_in_one_size(files) -> None:
    images = Images(files({"a.png": png(COLOURS), "": b""}), (4, 4))
    assert len(images) == 2
    assert torch.equal(images[0], bytes_of_picture(Image.fromarray(COLOURS), (4, 4)) / 255)
    assert images[1].shape == (3, 4, 4)
    assert (images[1] - 0.5).abs().max() < 0.01


def test_height_comes_before_width_and_grey_has_one_channel(files) -> None:
    images = Images(files({"a.png": png(COLOURS)}), (6, 8), channels=1)
    expected = np.asarray(Image.fromarray(COLOURS).convert("L"))
    assert np.array_equal((images[0] * 255).round().byte().numpy()[0], expected)


def test_a_photo_is_turned_upright(files) -> None:
    content = io.BytesIO()
    image = Image.fromarray(np.repeat(np.repeat(COLOURS, 8, 0), 8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    image.save(content, "JPEG", exif=exif)
    images = Images(files({"a.jpg": content.getvalue()}), (64, 48))
    assert images.decoded(0).size == (48, 64)


def test_kept_pictures_need_no_file_any_more(files, tmp_path) -> None:
    named = files({"a.png": png(COLOURS), "b.png": png(COLOURS[::-1].copy())})
    images = Images(named, (4, 4), keep=[1])
    before = [images[0], images[1]]
    for name in named.names:
        (tmp_path / name).unlink()
    assert torch.equal(images[1], before[1])
    with pytest.raises(DataError, match=r"a\.png \(row 1 of table\.csv, column 'path'\)"):
        images[0]


def test_a_broken_file_is_named_with_row_and_column(files) -> None:
    images = Images(files({"a.png": png(COLOURS), "b.png": b"no picture"}), (4, 4))
    with pytest.raises(DataError, match=r"b\.png \(row 2 of table\.csv, column 'path'\) must be a"):
        images[1]


def test_of_16_bits_the_upper_8_are_kept(files) -> None:
    greys = np.arange(0, 2**16, 257, dtype=np.uint16).reshape(16, 16)
    content = files({"a.png": png(greys)})
    images = Images(content, (16, 16), channels=1)
    assert torch.equal(images[0][0] * 255, torch.from_numpy(greys // 257).float())
    assert torch.equal(Images(content, (16, 16))[0], images[0].expand(3, -1, -1))


@pytest.mark.parametrize("turn", range(1, 9))
def test_each_note_of_a_camera_turns_a_picture_as_pillow_does(files, turn: int) -> None:
    image, content = Image.fromarray(COLOURS), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = turn
    image.save(content, "PNG", exif=exif)
    images = Images(files({"a.png": content.getvalue()}), (4, 4))
    expected = ImageOps.exif_transpose(Image.open(content))
    assert np.array_equal(np.asarray(images.decoded(0)), np.asarray(expected))
    assert images.own_size(0) == expected.size


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_damaged_note_of_the_camera_is_no_matter(files, kind: str) -> None:
    content = io.BytesIO()
    damaged = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" if kind == "JPEG" else b"garbage"
    Image.fromarray(COLOURS).save(content, kind, exif=damaged)
    images = Images(files({"a": content.getvalue()}), (4, 4))
    assert images.own_size(0) == (8, 6)
    assert images[0].shape == (3, 4, 4)
