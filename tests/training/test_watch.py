"""What is logged of the model's parts, and who is warned of."""

import json
from pathlib import Path

import pytest
import torch

from plait.core.errors import PlaitWarning
from plait.core.watched import Watched
from plait.runs import EventLog
from plait.training.state import State
from plait.training.watch import collapsed, log_watched

GATE = {
    "G: gates": Watched(
        {"a": torch.tensor([0.5, 0.5]), "b.c": torch.tensor([0.004, 0.996])},
        ("one", "two"),
        shares=True,
    )
}


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_all_numbers_and_null_for_what_is_not_finite(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    table = {"C: alpha": Watched({"a -> b": torch.tensor(0.25), "b -> c": torch.tensor(torch.nan)})}
    log_watched(log, State(step=7, epoch=2), table)
    log.flush()
    rows = {"a -> b": 0.25, "b -> c": None}
    values = {"C: alpha": {"shares": False, "rows": rows}}
    assert read(log.path) == [{"event": "watched", "step": 7, "epoch": 2, "values": values}]


def test_nothing_to_show_is_no_line(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log_watched(log, State(), {})
    log.flush()
    assert read(log.path) == []


def test_a_collapsed_gate_warns_once(tmp_path: Path) -> None:
    log, state = EventLog(tmp_path / "events.jsonl"), State(step=3)
    with pytest.warns(PlaitWarning, match=r"step 3: G: gates: 'b\.c' gives 99\.6% .* to 'two'"):
        log_watched(log, state, GATE)
    log_watched(log, state, GATE)  # a second warning would be an error here
    log.flush()
    assert [event["event"] for event in read(log.path)] == ["watched", "warning", "watched"]
    assert state.warned == ["G: gates/b.c"]


def test_only_shares_of_several_columns_can_collapse() -> None:
    assert list(collapsed(GATE)) == ["G: gates/b.c"]
    assert not collapsed({"C": Watched({"a": torch.tensor([0.0, 1.0])}, ("a", "b"))})
    assert not collapsed({"G": Watched({"a": torch.tensor([1.0])}, ("only",), shares=True)})
