"""Lines of one kind, as they were written, and the steps as columns."""

import json
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs import Step, Tasks, Warned
from plait.runs.encoding import encode
from plait.runs.events import KINDS
from plait.runs.folder import EVENTS
from plait.runs.logged import logged, steps_of

STEPS = [
    Step(step=n, epoch=0, lr=0.1, seconds=0.1 * n, losses=[1.0 * n, None], gradient_norm=1.0)
    for n in (1, 2)
]
NAMES = encode(Tasks(names=["a", "b"]))
CUT = '{"event": "step", "st'


def write(folder: Path, *lines: str, end: str = "\n") -> None:
    (folder / EVENTS).write_text("\n".join(lines) + end)


def test_lines_of_a_kind_in_their_order(tmp_path: Path) -> None:
    lines = [encode(STEPS[0]), encode(Warned(step=1, text="step")), encode(STEPS[1])]
    write(tmp_path, *lines)
    assert list(logged(tmp_path, "step")) == [json.loads(lines[0]), json.loads(lines[2])]
    assert [line["text"] for line in logged(tmp_path, "warning")] == ["step"]
    assert not list(logged(tmp_path, "test"))


def test_every_line_begins_with_its_kind() -> None:
    """Which is how lines are told apart before they are read."""
    assert all(next(iter(kind.__dataclass_fields__)) == "event" for kind in KINDS)


def test_the_steps_are_columns(tmp_path: Path) -> None:
    write(tmp_path, NAMES, encode(STEPS[0]), encode(Warned(step=1, text="x")), encode(STEPS[1]))
    found = steps_of(tmp_path)
    assert found.names == ["a", "b"]
    assert found.step.tolist() == [1, 2]
    assert found.of(found.losses, "a").tolist() == [1.0, 2.0]


def test_a_last_line_that_is_cut_off_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, NAMES, encode(STEPS[0]), CUT, end="")
    assert len(steps_of(tmp_path)) == len(list(logged(tmp_path, "step"))) == 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (CUT, "char 21"),
        ('{"event": "step", "step": 1}', "missing 5 required"),
        (encode(STEPS[0]).replace("[1.0, null]", '["low", null]'), "could not convert"),
        (encode(STEPS[0]).replace("[1.0, null]", '{"a": 1.0}'), "float.. argument must be"),
        (encode(STEPS[0]).replace("null", "null, 1.0"), "`losses` must have 2 numbers; found 3"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, line: str, found: str) -> None:
    write(tmp_path, NAMES, line, encode(STEPS[1]))
    with pytest.raises(DataError, match=f"{EVENTS}, line 2: .*{found}.*Repair or remove"):
        steps_of(tmp_path)


def test_a_log_that_does_not_name_its_tasks_is_refused(tmp_path: Path) -> None:
    old = encode(STEPS[0]).replace("[1.0, null]", '{"a": 1.0}')
    for line in (encode(STEPS[0]), old):
        write(tmp_path, line)
        with pytest.raises(DataError, match=r"line 1: a step comes after the names.*train again"):
            steps_of(tmp_path)
