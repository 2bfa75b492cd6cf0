"""What to train, as a file."""

from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs.advice import Advice, Candidate, read_advice, write_advice
from plait.runs.folder import ADVICE

FOUND = Advice(
    action="grouped",
    headline="train a and b together, keep c apart",
    sentences=["Joint training costs c 4 %."],
    member="grouped",
    config="advice.yaml",
    models={"": "seed-0/grouped"},
    reasons=["a and c are in conflict"],
    candidates=[Candidate(name="x", title="X", reason="r", score=0.5, outcome="final")],
    not_tried=["MTAN: no time"],
    minutes={"first look": 1.0},
    budget=10.0,
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_advice(tmp_path) is None
    write_advice(tmp_path, FOUND)
    assert read_advice(tmp_path) == FOUND


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ADVICE).write_text('{"action": "other"}')
    with pytest.raises(DataError, match="Ask for it again"):
        read_advice(tmp_path)
