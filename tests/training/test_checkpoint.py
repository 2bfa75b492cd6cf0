"""Checkpoints: whole or absent, and read without running what is in them."""

import os
import pickle
import warnings
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch

from plait.core.errors import CheckpointError
from plait.training.checkpoint import read_checkpoint, write_checkpoint
from tests.training.problem import differences

STATE: dict[str, Any] = {"model": {"weight": torch.arange(5.0)}, "step": 3, "name": "x"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.pt"
    write_checkpoint(path, STATE)
    found = read_checkpoint(path)
    assert not list(differences({key: found[key] for key in STATE}, STATE))
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


class Fails:
    """Cannot be written; by then the file holds a part of the state."""

    def __reduce__(self) -> Any:
        raise OSError("no space left on device")


def test_a_writer_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    write_checkpoint(path, STATE)
    content = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"no space left.*as it was"):
        write_checkpoint(path, {"large": torch.zeros(1000), "broken": Fails()})
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"], "nothing is left over"
    assert read_checkpoint(path)["step"] == 3


def test_the_old_file_is_there_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the moment of the rename both are whole, and the new one is on the disk."""
    path, synced = tmp_path / "last.pt", []
    write_checkpoint(path, STATE)
    rename, sync = os.replace, os.fsync

    def look(old: Path, new: Path) -> None:
        assert read_checkpoint(path)["step"] == 3
        assert read_checkpoint(old)["step"] == 4
        assert synced
        rename(old, new)

    monkeypatch.setattr(os, "fsync", lambda number: synced.append(sync(number)))
    monkeypatch.setattr(os, "replace", look)
    write_checkpoint(path, {**STATE, "step": 4})
    assert read_checkpoint(path)["step"] == 4


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_checkpoint_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.pt"
    write_checkpoint(path, {**STATE, "large": torch.zeros(1000)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"last\.pt is truncated, damaged or no checkpoint"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated, damaged or no checkpoint"),
        (b"PK\x03\x04 an archive by its first bytes", "truncated, damaged or no checkpoint"),
        (b"hello\n", "truncated, damaged or no checkpoint"),
        (pickle.dumps({"a": 1}), "truncated, damaged or no checkpoint"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint(path)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    with ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"hello\n")
    with pytest.raises(CheckpointError, match="truncated, damaged or no checkpoint"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ([1, 2], "not written by plait"),
        ({"model": {}}, "not written by plait"),
        ({"format": "plait.checkpoint", "version": 99}, "has version 99; this plait reads 4"),
    ],
)
def test_a_foreign_state_is_refused(tmp_path: Path, state: Any, words: str) -> None:
    path = tmp_path / "last.pt"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint(path)


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read_checkpoint(tmp_path / "last.pt")
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read_checkpoint(tmp_path)


class Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, zipped: bool) -> None:
    path, mark = tmp_path / "last.pt", tmp_path / "ran"
    state = {"format": "plait.checkpoint", "version": 2, "bomb": Touches(mark)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not mark.exists()
    with warnings.catch_warnings(action="ignore"):
        torch.load(path, weights_only=False)
    assert mark.exists(), "read carelessly, it would have been"
