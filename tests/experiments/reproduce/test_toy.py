"""The descents of several methods: written, resumed, and never mixed with those of others."""

from pathlib import Path

import pytest

from plait.balancing import MGDA, Balancer, Equal
from plait.core.errors import RunExistsError
from plait.experiments.reproduce import toy
from plait.runs.descents import Descents, read_descents

METHODS: dict[str, Balancer | str] = {"Equal": Equal(), "MGDA": MGDA(), "Other": "has no step"}
STARTS = ((0.0, -8.25), (9.0, 9.0))


def run(folder: Path, said: list[str], steps: int = 20) -> Descents:
    return toy(folder, methods=METHODS, starts=STARTS, steps=steps, say=said.append)


def test_the_one_reaches_the_front_and_the_other_start_is_far(tmp_path: Path) -> None:
    said: list[str] = []
    found = run(tmp_path, said, steps=60)
    assert read_descents(tmp_path) == found
    assert [method.reaching(found.tolerance) for method in found.methods] == [1, 1, 0]
    assert found.methods[2].refused == "has no step"
    assert len(said) == 3 and said[0].startswith("Equal: 1 of 2 on the front")


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = run(tmp_path, [])
    path = tmp_path / "methods" / "MGDA.json"
    written = path.stat().st_mtime_ns
    (tmp_path / "methods" / "Equal.json").unlink()
    again = run(tmp_path, [])
    assert path.stat().st_mtime_ns == written
    assert [m.descents for m in again.methods] == [m.descents for m in first.methods]


def test_results_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    run(tmp_path, [], steps=3)
    with pytest.raises(RunExistsError, match="other settings"):
        run(tmp_path, [], steps=4)
