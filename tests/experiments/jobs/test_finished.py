"""A finished run of the same settings and data is found; another one is refused and left alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments.build.names import with_defaults
from plait.experiments.config import RunConfig, validate
from plait.experiments.jobs import RunSpec, finished
from plait.experiments.jobs.finished import WITHOUT_EFFECT
from plait.experiments.run import run
from tests.experiments.jobs.tiny_runs import config_of
from tests.experiments.tiny import tree


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    spec = RunSpec(config_of(), tmp_path_factory.mktemp("done") / "run")
    run(spec.config, spec.folder)
    return spec


def test_a_finished_run_is_found(done: RunSpec) -> None:
    found = finished(done)
    assert found is not None
    assert found.tested and found.seed == done.config.seed


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert finished(RunSpec(config_of(), tmp_path / "none")) is None
    (tmp_path / "notes.txt").write_text("of the user")
    assert finished(RunSpec(config_of(), tmp_path)) is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"epochs": 3}, "`epochs` was 2 and is now 3"),
        ({"optimizer": {"lr": 0.1}}, r"`optimizer\.lr` was 0\.05 and is now 0\.1"),
        ({"balancing": "UPGrad"}, "`balancing` was Equal and is now UPGrad"),
        ({"tasks": ["mask"]}, r"`tasks` was None and is now \['mask'\]"),
        ({"seed": 1}, "`seed` was 0 and is now 1"),
        ({"device": "auto"}, "`device` was cpu and is now auto"),
    ],
)
def test_other_settings_are_named_and_nothing_is_touched(
    done: RunSpec, settings: dict[str, Any], told: str
) -> None:
    before = tree(done.folder)
    with pytest.raises(RunExistsError, match=told) as error:
        finished(replace(done, config=config_of(**settings)))
    assert str(done.folder) in str(error.value)
    assert "Name another folder" in str(error.value)
    assert tree(done.folder) == before


OTHERWISE = {"workers": 2, "gallery": 7, "log_every": 3, "checkpoint_every": 5, "async_save": True}


@pytest.mark.parametrize("setting", sorted(WITHOUT_EFFECT))
def test_settings_without_effect_may_differ(done: RunSpec, setting: str) -> None:
    config = config_of(**{setting: OTHERWISE[setting]})
    assert getattr(config, setting) != getattr(done.config, setting)
    assert finished(replace(done, config=config)) is not None


@pytest.mark.parametrize("setting", sorted(WITHOUT_EFFECT))
def test_settings_without_effect_have_none(done: RunSpec, setting: str, tmp_path: Path) -> None:
    first = finished(done)
    again = run(config_of(**{setting: OTHERWISE[setting]}), tmp_path / "again")
    assert first is not None
    assert (again.score, again.validation) == (first.score, first.validation)
    assert again.test == first.test


def test_a_run_that_has_not_read_the_test_split_is_not_done_for_one_that_is_to(
    tmp_path: Path,
) -> None:
    spec = RunSpec(config_of(), tmp_path / "run", test=False)
    run(spec.config, spec.folder, test=False)
    assert finished(spec) is not None
    assert finished(replace(spec, test=True)) is None


def test_a_run_that_was_begun_is_not_finished(tmp_path: Path) -> None:
    spec = RunSpec(config_of(), tmp_path / "run")
    run(spec.config, spec.folder)
    (spec.folder / "result.json").unlink()
    assert finished(spec) is None
    with pytest.raises(RunExistsError, match="`epochs` was 2"):
        finished(replace(spec, config=config_of(epochs=5)))


def test_a_comparison_or_a_run_of_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("")
    with pytest.raises(RunExistsError, match=r"no config\.yaml"):
        finished(RunSpec(config_of(), tmp_path))


def test_damaged_files_are_said(done: RunSpec, tmp_path: Path) -> None:
    run(done.config, tmp_path / "run")
    spec = replace(done, folder=tmp_path / "run")
    (spec.folder / "trainer.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        finished(spec)


# --- data -------------------------------------------------------------------------------------


def table(folder: Path) -> RunConfig:
    folder.mkdir(exist_ok=True)
    rows = pd.DataFrame({"size": range(60), "price": [3 * i % 7 for i in range(60)]})
    rows.to_csv(folder / "flats.csv", index=False)
    described = {
        "table": str(folder / "flats.csv"),
        "inputs": {"size": "number"},
        "tasks": {"price": "number"},
        "epochs": 1,
    }
    return validate(with_defaults(described))


@pytest.fixture
def flats(tmp_path: Path) -> RunSpec:
    spec = RunSpec(table(tmp_path / "data"), tmp_path / "run")
    run(spec.config, spec.folder)
    return spec


def unfinished(folder: Path) -> None:
    (folder / "result.json").unlink()


@pytest.mark.parametrize("state", [lambda folder: None, unfinished], ids=["finished", "begun"])
def test_changed_data_are_noticed(
    flats: RunSpec, tmp_path: Path, state: Callable[[Path], None]
) -> None:
    state(flats.folder)
    finished(flats)
    file = tmp_path / "data" / "flats.csv"
    file.write_text(file.read_text().replace("59,", "58,"))
    before = tree(flats.folder)
    with pytest.raises(
        RunExistsError, match=r"`table` was content:.* and is now content:"
    ) as error:
        finished(flats)
    assert str(flats.folder) in str(error.value)
    assert tree(flats.folder) == before


def test_data_that_have_moved_are_the_same(flats: RunSpec, tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = flats.config.model_copy(update={"table": str(tmp_path / "moved" / "flats.csv")})
    assert finished(replace(flats, config=moved)) is not None


def test_weights_to_start_from_count(done: RunSpec, tmp_path: Path) -> None:
    starts = config_of(start_from=[str(done.folder)])
    spec = RunSpec(starts, tmp_path / "run")
    run(spec.config, spec.folder)
    assert finished(spec) is not None
    copied = tmp_path / "copied"
    (done.folder / "model").rename(copied)
    try:
        moved = config_of(start_from=[str(copied)])
        assert finished(replace(spec, config=moved)) is not None
        with pytest.raises(RunExistsError, match=r"`start_from\[0\]` was content"):
            finished(replace(spec, config=config_of()))
        with (copied / "config.json").open("a") as file:
            file.write("\n")
        with pytest.raises(RunExistsError, match=r"`start_from\[0\]` was content"):
            finished(replace(spec, config=moved))
    finally:
        copied.rename(done.folder / "model")
