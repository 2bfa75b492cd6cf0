"""Lines of one kind, as they were written."""

import json
from dataclasses import asdict
from pathlib import Path

from plait.runs import Step, Warned
from plait.runs.events import KINDS, encode
from plait.runs.folder import EVENTS
from plait.runs.logged import logged


def test_lines_of_a_kind_in_their_order(tmp_path: Path) -> None:
    steps = [
        Step(step=n, epoch=0, lr=0.1, seconds=0.1 * n, losses={"a": 1.0}, gradient_norm=1.0)
        for n in (1, 2)
    ]
    lines = [encode(steps[0]), encode(Warned(step=1, text="step")), encode(steps[1])]
    (tmp_path / EVENTS).write_text("\n".join(lines) + "\n")
    found = list(logged(tmp_path, "step"))
    assert found == [json.loads(lines[0]), json.loads(lines[2])]
    assert found[1].items() <= asdict(steps[1]).items()
    assert [line["text"] for line in logged(tmp_path, "warning")] == ["step"]
    assert not list(logged(tmp_path, "test"))


def test_every_line_begins_with_its_kind() -> None:
    """Which is how lines are told apart before they are read."""
    assert all(next(iter(kind.__dataclass_fields__)) == "event" for kind in KINDS)
