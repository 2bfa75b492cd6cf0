"""What the environment of a launcher says."""

from pathlib import Path

import pytest

from plait.core.launched import ERRORS, is_first, leave, processes


def test_a_process_that_was_started_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", ERRORS):
        monkeypatch.delenv(name, raising=False)
    assert processes() == 1
    assert is_first()
    assert not leave("nobody asks")


def test_the_second_of_three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"WORLD_SIZE": "3", "RANK": "1", ERRORS: str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert processes() == 3
    assert not is_first()
    assert leave("error: no room")
    assert (tmp_path / "1").read_text() == "error: no room"
