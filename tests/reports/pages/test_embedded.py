"""Files of the gallery, and no others, get into the page."""

import base64
import random
from pathlib import Path

import pytest
import soundfile

from plait.core.errors import DataError
from plait.reports.pages.embedded import image_address, sound_address
from plait.runs.folder import EXAMPLES
from tests.reports.example import write_gallery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gallery(tmp_path / "gallery", random.Random(0), count=1)
    return tmp_path / "gallery"


def test_an_address_is_the_file(folder: Path) -> None:
    soundfile.write(folder / "a.flac", [0.0, 0.5], 8000)
    for address, name, kind in (
        (image_address, "000.png", "image/png"),
        (sound_address, "a.flac", "audio/flac"),
    ):
        begun, _, content = address(folder.parent / EXAMPLES, name).partition(",")
        assert begun == f"data:{kind};base64"
        assert base64.b64decode(content) == (folder / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["../secret.png", "/secret.png", "link.png", "sub/../../secret.png"]
)
def test_no_file_outside_the_gallery_is_shown(folder: Path, name: str) -> None:
    secret = folder.parent / "secret.png"
    secret.write_bytes((folder / "000.png").read_bytes())
    (folder / "sub").mkdir()
    (folder / "link.png").symlink_to(secret)
    name = str(secret) if name.startswith("/") else name
    for address in (image_address, sound_address):
        with pytest.raises(DataError, match="outside"):
            address(folder.parent / EXAMPLES, name)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read.*gallery\.json names it"):
        image_address(folder.parent / EXAMPLES, "nowhere.png")


def test_only_what_it_is_said_to_be_is_shown(folder: Path) -> None:
    (folder / "page.png").write_text("<svg onload='alert(1)'>")
    with pytest.raises(DataError, match=r"page\.png is no PNG"):
        image_address(folder.parent / EXAMPLES, "page.png")
    with pytest.raises(DataError, match=r"000\.png is no FLAC sound"):
        sound_address(folder.parent / EXAMPLES, "000.png")
