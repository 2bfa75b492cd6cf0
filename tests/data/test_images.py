"""Images: decoded with checks, resized, and moved to the range of a network and back."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from plait.core.errors import DataError
from plait.data import InMemory
from plait.data.images import Normalised, bytes_of_picture, decode, pixels, values_of_mask


def encoded(values: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    return file.getvalue()


def picture(height: int = 4, width: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_png_and_jpeg_are_decoded_whatever_they_are_called() -> None:
    values = picture(8, 6)
    assert np.array_equal(np.asarray(decode(encoded(values), "a.jpg")), values)
    assert decode(encoded(values, "JPEG"), "a.png").size == (6, 8)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_no_other_decoder_is_let_near_the_bytes(kind: str) -> None:
    with pytest.raises(DataError, match=r"a\.jpg must be a whole JPEG or PNG image; found neither"):
        decode(encoded(picture()[..., 0], kind), "a.jpg")


def test_a_truncated_image_is_refused() -> None:
    content = encoded(picture(64, 64))
    with pytest.raises(DataError, match="Is the file truncated"):
        decode(content[: len(content) // 2], "a.png")


def test_an_image_of_absurd_size_is_refused() -> None:
    """A header that claims 60,000 x 60,000 pixels, in a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    with pytest.raises(DataError, match=r"a\.png must have at most .* pixels"):
        decode(content, "a.png")


def test_a_photo_has_three_channels() -> None:
    values = picture()
    found = bytes_of_picture(decode(encoded(values), "a"), (4, 4))
    assert found.dtype == torch.uint8
    assert np.array_equal(found.permute(1, 2, 0).numpy(), values)
    grey = bytes_of_picture(decode(encoded(values[..., 0]), "a"), (7, 7))
    assert grey.shape == (3, 7, 7)
    assert torch.equal(grey[0], grey[2])


def test_a_mask_keeps_its_numbers() -> None:
    values = np.repeat(np.array([[1, 2], [3, 1]], np.uint8), 3, axis=0).repeat(3, axis=1)
    found = values_of_mask(decode(encoded(values), "a"), (2, 2))
    assert found.tolist() == [[1, 2], [3, 1]]
    assert found.dtype == torch.int32


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_undo_the_normalisation(channels: int) -> None:
    values = torch.from_numpy(picture(5, 7)).permute(2, 0, 1)[:channels]
    data = Normalised(InMemory((values.float() / 255)[None], {"y": torch.zeros(1)}))
    image, targets = data[0]
    assert len(data) == 1
    assert targets["y"] == 0
    torch.testing.assert_close(image, (values.float() / 255 - 0.5) / 0.25)
    assert np.array_equal(pixels(image), values.expand(3, -1, -1).permute(1, 2, 0).numpy())
