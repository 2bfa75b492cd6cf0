"""Small folders of pictures, masks, maps and sounds."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plait.data.files import Store
from plait.data.readers.files import Files


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> Callable[[dict[str, bytes]], Files]:
    """Writes files, and returns them as a column that names them in their order."""

    def made(contents: dict[str, bytes]) -> Files:
        for name, content in contents.items():
            if name:
                (tmp_path / name).write_bytes(content)
        return Files(Store(tmp_path), list(contents), "path", "table.csv")

    return made
