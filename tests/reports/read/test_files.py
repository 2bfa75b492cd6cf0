"""Files are read, checked, or refused by name."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from plait.core.errors import DataError
from plait.reports.read.files import inside, parse, read_bytes

KIND = TypeAdapter(dict[str, list[int]])


def test_a_file_that_is_not_there_is_named_with_the_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing cannot be read: No such file.* Do that\."):
        read_bytes(tmp_path / "nothing", hint="Do that.")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (b"{", "Invalid JSON"),
        (b"[1]", "Input should be an object"),
        (b'{"a": [1, "x"]}', r"`a\.1`: Input should be a valid integer"),
    ],
)
def test_what_is_of_another_kind_is_named_by_its_place(text: bytes, finding: str) -> None:
    with pytest.raises(DataError, match=f"^here: .*{finding}.* Do that\\.$"):
        parse(KIND, text, where="here", hint="Do that.")
    assert parse(KIND, b'{"a": [1]}', where="here", hint="") == {"a": [1]}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "link"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match=r"list names .*outside"):
        inside(folder, name, named_in=Path("list"))


def test_a_name_within_the_folder_is_followed(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/../b", named_in=Path("list")) == (tmp_path / "b").resolve()
