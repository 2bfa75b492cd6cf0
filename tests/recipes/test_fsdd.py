import lzma
import tarfile
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.recipes import Fsdd
from plait.recipes.fsdd import ARCHIVE, FOLDER
from tests.recipes.known_media import fsdd, tone
from tests.recipes.real_data import real


def packed(folder: Path) -> Path:
    """Puts the recordings into the archive in their place."""
    plain = folder / "plain.tar"
    with tarfile.open(plain, "w:") as archive:
        archive.add(folder / FOLDER, FOLDER)
    (folder / ARCHIVE).write_bytes(lzma.compress(plain.read_bytes()))
    plain.unlink()
    for path in (folder / FOLDER).iterdir():
        path.unlink()
    (folder / FOLDER).rmdir()
    return folder


def test_names_say_what_is_predicted_and_the_split(tmp_path: Path) -> None:
    frame = Fsdd(data=fsdd(tmp_path)).frame
    assert frame.iloc[0].to_dict() == {
        "recording": "recordings/0_george_0.wav",
        "digit": "0",
        "speaker": "george",
        "accent": "Greek",
        "split": "test",
    }
    numbers = frame["recording"].str.extract(r"_(\d+)\.wav")[0].astype(int)
    assert (frame["split"][numbers < 5] == "test").all()
    assert (frame["split"][(numbers >= 5) & (numbers < 10)] == "val").all()
    assert (frame["split"][numbers >= 10] == "train").all()


def test_a_folder_and_an_archive_are_read_alike(tmp_path: Path) -> None:
    folder = Fsdd(data=fsdd(tmp_path / "folder"))
    archive = Fsdd(data=packed(fsdd(tmp_path / "archive")))
    assert archive.frame.equals(folder.frame)
    for name in folder.frame["recording"]:
        assert archive.store.read(name) == folder.store.read(name)
    assert archive.store.members is not None
    assert folder.store.members is None


def test_files_of_other_names_are_passed_over_and_a_new_speaker_has_no_accent(
    tmp_path: Path,
) -> None:
    fsdd(tmp_path)
    for name in ("README.md", "12_george_1.wav", "1_george.wav"):
        (tmp_path / FOLDER / name).write_text("")
    before = len(Fsdd(data=tmp_path).frame)
    (tmp_path / FOLDER / "1_ann_20.wav").write_bytes(tone(440, 0.1))
    frame = Fsdd(data=tmp_path).frame
    assert len(frame) == before + 1
    assert frame["accent"][frame["speaker"] == "ann"].isna().all()


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(DataError, match=r"named DIGIT_SPEAKER_NUMBER\.wav; found none"):
        _ = Fsdd(data=tmp_path).frame


def test_the_real_data() -> None:
    problem = Fsdd(data=real("fsdd", ARCHIVE))
    assert [len(rows) for rows in problem.rows.values()] == [2400, 300, 300]
    assert [len(each) for each in problem.classes.values()] == [10, 6, 4]
    assert problem.frame["digit"].value_counts().tolist() == [300] * 10
