"""Files from strangers: bounded, never unpickled, never outside their folder."""

import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.data import files
from plait.data.files import Store, bytes_of, folder_with, read_npz, read_tar, safe_name, text_of


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


# --- folders and names ----------------------------------------------------------------------


def test_a_folder_has_to_hold_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert folder_with(str(tmp_path), ["a.csv"]) == tmp_path
    with pytest.raises(DataError, match=r"must hold a\.csv, b; b not found"):
        folder_with(tmp_path, ["a.csv", "b"])
    with pytest.raises(DataError, match="there is no such folder"):
        folder_with(tmp_path / "none", ["a.csv"])


@pytest.mark.parametrize("name", ["a", "Abyssinian_1", "a b.c-d", "x" * 60])
def test_plain_names_are_safe(name: str) -> None:
    assert safe_name(name, "list") == name


@pytest.mark.parametrize("name", ["", "../a", "/etc/passwd", "a/b", "a\\b", ".a", "x" * 61, "a\n"])
def test_names_that_could_leave_their_folder_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="list, line 3: a name must be"):
        safe_name(name, "list, line 3")


# --- contents -------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert bytes_of(path) == b"x" * 10
    path.write_bytes(b"x" * 11)
    with pytest.raises(DataError, match="must have at most 10 bytes; found more"):
        bytes_of(path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none must be a file that can be read; No such file"):
        bytes_of(tmp_path / "none")
    with pytest.raises(DataError, match="must be a file that can be read"):
        bytes_of(tmp_path)


def test_text_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in ("\u00e9".encode(), b"\xef\xbb\xbf" + "\u00e9".encode()):
        path.write_bytes(content)
        assert text_of(path) == "\u00e9"
    path.write_bytes(b"\xe9")
    with pytest.raises(DataError, match="must be text in UTF-8"):
        text_of(path)


# --- archives -------------------------------------------------------------------------------


def test_a_store_reads_folders_and_archives_alike(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(b"1")
    archive = read_tar(tar(tmp_path / "a.tar", {"a": b"1", "b": b"2"}), {"a", "c"})
    for store in (Store(tmp_path / "folder"), archive):
        assert store.has("a")
        assert not store.has("c")
        assert store.read("a") == b"1"
    assert not archive.has("b"), "only what was asked for is kept"
    assert archive.place("a") == f"a in {tmp_path / 'a.tar'}"


def test_a_store_has_no_file_of_a_name_that_is_too_long(tmp_path: Path) -> None:
    assert not Store(tmp_path).has("a sentence in place of a path " * 200)


def test_links_and_large_members_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    path = tar(tmp_path / "a.tar", {"large": b"x" * 11, "plain": b"x"})
    with tarfile.open(path, "a:") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert read_tar(path, {"large", "plain", "link"}).members == {"plain": b"x"}


def packed(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(lzma.compress(tar(path, members).read_bytes()))
    return path


def test_an_archive_that_is_packed_with_xz_is_read_like_a_plain_one(tmp_path: Path) -> None:
    members = {f"folder/{n}": bytes([n]) * 1000 * n for n in range(30)}
    plain = read_tar(tar(tmp_path / "a.tar", members))
    found = read_tar(packed(tmp_path / "a.tar.xz", members))
    assert found.members == plain.members == members
    some = read_tar(tmp_path / "a.tar.xz", {"folder/29", "folder/3", "none"})
    assert some.members == {name: members[name] for name in ("folder/3", "folder/29")}


def test_a_packed_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.tar.xz", {"a": bytes(50_000)})
    size = len(lzma.decompress(path.read_bytes()))
    monkeypatch.setattr(files, "MAX_UNPACKED", size)
    assert set(read_tar(path).members or ()) == {"a"}
    monkeypatch.setattr(files, "MAX_UNPACKED", 20_000)
    with pytest.raises(DataError, match="must have at most 20000 bytes when unpacked; it has more"):
        read_tar(path, {"other"})


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.xz", {"a": b"1"})
    whole = path.read_bytes()
    for content in (whole[:-20], whole[: len(whole) // 2], whole[:6], whole[:30] + b"x" * 50):
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be a whole tar archive"):
            read_tar(path)


@pytest.mark.parametrize("content", [b"text", b""])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(DataError, match="must be a whole tar archive, plain or packed with xz"):
        read_tar(path, {"a"})
    with pytest.raises(DataError, match=r"must be a whole NumPy archive"):
        read_npz(path, ["a"])


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.arange(3), b=np.zeros(2))
    found = read_npz(tmp_path / "a.npz", ["a"])
    assert list(found) == ["a"]
    assert found["a"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"must hold the arrays a, c; there is no c"):
        read_npz(tmp_path / "a.npz", ["a", "c"])


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_nothing_pickled_runs(tmp_path: Path) -> None:
    trap = np.array([Touch(str(tmp_path / "trap"))], dtype=object)
    np.savez(tmp_path / "a.npz", a=trap, allow_pickle=True)
    with pytest.raises(DataError, match="allow_pickle=False"):
        read_npz(tmp_path / "a.npz", ["a"])
    assert not (tmp_path / "trap").exists()


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"0" * 1001)
    with pytest.raises(DataError, match="must have at most 1000 bytes when unpacked; it has 1001"):
        read_npz(tmp_path / "a.npz", ["a"])
