"""What the environment of a launcher says."""

from pathlib import Path

import pytest

from plait.core.launched import ERRORS, complain, is_first, last_words, leave, processes


def test_a_process_that_was_started_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", ERRORS):
        monkeypatch.delenv(name, raising=False)
    assert processes() == 1
    assert is_first()
    assert not leave("nobody asks", 2)


def test_the_second_of_three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"WORLD_SIZE": "3", "RANK": "1", ERRORS: str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert processes() == 3
    assert not is_first()
    assert leave("error: no room", 2)
    assert leave("error: what came of it", 3)
    monkeypatch.setenv("RANK", "0")
    assert leave("error: process 1 is lost", 3)
    first, second = last_words(tmp_path)
    assert first[:3] == (1, 2, "error: no room")
    assert second[:3] == (0, 3, "error: process 1 is lost")
    assert first.time <= second.time


def test_what_cannot_be_left_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(ERRORS, raising=False)
    complain("error: no room", 2)
    assert capsys.readouterr().err == "plait: error: no room\n"
    for name, value in {"RANK": "1", ERRORS: str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    complain("error: no room", 2)
    assert capsys.readouterr().err == ""
