"""The test of two processes that `plait doctor` makes."""

import json
from pathlib import Path

import pytest

from plait.distributed import pair
from plait.distributed.launch import Ending
from plait.distributed.pair import NUMBERS, Pair, take_part, try_pair
from tests.distributed.group import Group


def test_two_processes_that_are_started_add_up() -> None:
    found = try_pair()
    assert (found.backend, found.fault) == ("gloo", "")
    assert 0 < found.seconds < 60


def answers(path: str) -> None:
    take_part(Path(path))


def test_rank_0_writes_the_answer(two: Group, tmp_path: Path) -> None:
    two(answers, str(tmp_path / "answer.json"))
    found = json.loads((tmp_path / "answer.json").read_text())
    assert found["right"]
    assert NUMBERS * 4 == 8 * 2**20


@pytest.mark.parametrize(
    ("ending", "fault"),
    [(Ending(2, ("error: no network",)), "error: no network"), (Ending(137, ()), "with 137")],
)
def test_a_fault_is_named(monkeypatch: pytest.MonkeyPatch, ending: Ending, fault: str) -> None:
    monkeypatch.setattr(pair, "launch", lambda words, count: ending)
    found = try_pair()
    assert found.seconds == 0
    assert fault in found.fault
    assert isinstance(found, Pair)
