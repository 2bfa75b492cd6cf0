"""``--nproc``: which processes are started, and how the command ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from plait.distributed import launch
from plait.distributed.launch import Ending
from tests.cli.shell import plait
from tests.experiments.tiny import TINY


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], int]]:
    """The words and the number of the processes that were started, none of which runs."""
    found = []

    def note(arguments: Sequence[str], count: int) -> Ending:
        found.append((list(arguments), count))
        return Ending(143, ("interrupted by SIGTERM",)) if "run" in arguments else Ending(0, ())

    monkeypatch.setattr(launch, "launch", note)
    monkeypatch.chdir(tmp_path)
    return found


def test_the_words_of_the_command_go_to_each(started: list[tuple[list[str], int]]) -> None:
    Path("data").mkdir()
    words = [TINY, "epochs=3", "--data", "data", "--json"]
    ran = plait("train", *words, "--nproc", 3)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    told = ["train", TINY, "epochs=3", "--data", "data", "--out", "runs/tiny", "--json"]
    assert started == [(told, 3)]


def test_it_exits_as_they_do(started: list[tuple[list[str], int]]) -> None:
    ran = plait("train", TINY, "--out", "run", "--nproc", 2)
    assert (ran.code, ran.err) == (143, "plait: interrupted by SIGTERM\n")


def test_one_process_is_none_more(started: list[tuple[list[str], int]]) -> None:
    assert plait("train", TINY, "epochs=1", "--nproc", 1).code == 0
    assert not started


def test_they_wait_for_each_other_as_long_as_is_said(
    started: list[tuple[list[str], int]],
) -> None:
    assert plait("train", TINY, "--nproc", 2, "--timeout", 90).code == 0
    assert started[0][0][-2:] == ["--timeout", "90"]
    for wrong, reason in (((0,), "above 0 seconds and finite; found 0"), ((-3,), "found -3")):
        ran = plait("train", TINY, "--nproc", 2, "--timeout", *wrong)
        assert ran.code == 2
        assert reason in ran.err
    assert "Start them with --nproc" in plait("train", TINY, "--timeout", 90).err
    assert len(started) == 1


def test_processes_that_were_started_start_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    ran = plait("train", TINY, "--out", "run", "--nproc", 2)
    assert ran.code == 2
    assert "was started with others already" in ran.err
    ran = plait("train", TINY)
    assert ran.code == 2
    assert "--out FOLDER" in ran.err
