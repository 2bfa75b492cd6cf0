"""The School table on a few made-up pupils: written, resumed, its words checked."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments.reproduce.school import METHODS, SCHOOL, measure
from plait.experiments.reproduce.school import school as reproduce_school
from plait.runs.reproduced import read_reproduced
from tests.recipes.table_folders import school, write


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), "school", school())


def test_every_row_has_a_method() -> None:
    assert [row.name for row in SCHOOL.rows] == list(METHODS)


def test_divisions_are_written_and_not_done_again(data: Path, tmp_path: Path) -> None:
    settings = {"data": str(data), "steps": 3}
    said: list[str] = []
    found = reproduce_school(tmp_path, settings, seeds=2, command="plait", say=said.append)
    assert repr(read_reproduced(tmp_path)) == repr(found)
    assert len(said) == 2
    division = measure(data, 1, 3)
    for row in found.rows:
        assert row.figures[0].ours[1] == pytest.approx(100 * division.explained[row.name])
    written = (tmp_path / "divisions" / "0.json").stat().st_mtime_ns
    again = reproduce_school(tmp_path, settings, seeds=1)
    assert (tmp_path / "divisions" / "0.json").stat().st_mtime_ns == written
    assert again.seeds == [0] and again.length == "3 steps in place of 80"
    with pytest.raises(RunExistsError, match="3 steps"):
        reproduce_school(tmp_path, {"data": str(data)}, seeds=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"step": 3}, "Did you mean 'steps'"), ({}, "--data")],
)
def test_settings_that_make_no_sense(
    settings: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        reproduce_school(tmp_path, settings)
