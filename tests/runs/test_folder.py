"""What makes a folder a run, and where the next one goes."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.runs import check_free, check_sources, free_folder, is_run
from plait.runs.folder import (
    COMPARISON,
    CONFIG,
    EVENTS,
    LAST,
    MARKS,
    can_go_on,
    check_run,
    set_aside,
)


@pytest.mark.parametrize("name", MARKS)
def test_one_of_its_files_makes_a_folder_a_run(name: str, tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    check_free(tmp_path)
    (tmp_path / name).write_text("")
    assert is_run(tmp_path)
    with pytest.raises(RunExistsError, match=f"{tmp_path} already holds a run.*--out") as error:
        check_free(tmp_path)
    assert ("--resume" in str(error.value)) == (name == CONFIG), "only a single run can be resumed"


def test_a_folder_is_not_free_for_a_run_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "joint").mkdir()
    check_free(tmp_path, ["single-a"])
    with pytest.raises(RunExistsError, match="nothing in it was touched"):
        check_free(tmp_path, ["single-a", "joint"])


def test_a_free_folder_is_the_first_that_does_not_exist(tmp_path: Path) -> None:
    found = []
    for _ in range(4):
        folder = free_folder("digits", tmp_path / "runs")
        found.append(folder.name)
        folder.mkdir(parents=True)
    assert found == ["digits", "digits-2", "digits-3", "digits-4"]
    (tmp_path / "runs/digits-3").rmdir()
    assert free_folder("digits", tmp_path / "runs").name == "digits-3"
    (tmp_path / "runs/pets").write_text("a file of that name")
    assert free_folder("pets", tmp_path / "runs").name == "pets-2"


def test_by_default_runs_are_in_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert free_folder("demo") == Path("runs/demo")
    assert not Path("runs").exists()


def test_folders_to_start_from_must_exist(tmp_path: Path) -> None:
    check_sources([tmp_path, str(tmp_path)])
    missing = tmp_path / "digit"
    with pytest.raises(ConfigError, match=f"there is no folder {missing} to start from. Train it"):
        check_sources([tmp_path, missing])


def test_the_folder_of_a_comparison_has_no_model_of_its_own(tmp_path: Path) -> None:
    (tmp_path / COMPARISON).write_text("{}")
    with pytest.raises(ConfigError, match="holds a comparison of several runs"):
        check_run(tmp_path)


def test_a_run_without_a_checkpoint_is_set_aside(tmp_path: Path) -> None:
    for _ in range(2):
        run = tmp_path / "run"
        run.mkdir()
        (run / EVENTS).write_text("one line")
        aside = set_aside(run)
        assert aside is not None
        assert (aside / EVENTS).read_text() == "one line"
        assert not run.exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run-begun", "run-begun-2"]


@pytest.mark.parametrize("name", [LAST, COMPARISON])
def test_what_was_trained_is_never_set_aside(name: str, tmp_path: Path) -> None:
    (tmp_path / "run" / name).parent.mkdir(parents=True)
    for each in (CONFIG, name):
        (tmp_path / "run" / each).write_text("")
    assert set_aside(tmp_path / "run") is None
    assert can_go_on(tmp_path / "run") == (name == LAST)
    assert set_aside(tmp_path / "nothing") is None
