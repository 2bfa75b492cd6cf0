"""Many runs: each once, in the order in which they were asked for, whatever happens to some."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError, RunExistsError
from plait.experiments.jobs import Failure, RunSpec, hold, train
from plait.experiments.jobs import once as once_module
from plait.runs.result import RunResult
from plait.training import Callback, Interrupted
from tests.experiments.jobs.test_attempt import Signals
from tests.experiments.jobs.tiny_runs import config_of, numbers_in, specs_in, stamp
from tests.experiments.tiny import TINY, tree

CRASHES = TINY.replace("Tiny", "Crashes")


def test_results_come_in_the_order_of_the_specs(tmp_path: Path) -> None:
    found = train(specs_in(tmp_path, 3)[::-1])
    assert [isinstance(each, RunResult) and each.seed for each in found] == [2, 1, 0]
    assert train([]) == []


def test_what_is_finished_is_not_repeated(tmp_path: Path) -> None:
    specs = specs_in(tmp_path, 3)
    first = train(specs[:2])
    before = [stamp(spec.folder) for spec in specs[:2]]
    told: list[str] = []
    again = train(specs, say=told.append)
    assert again[:2] == first
    assert [stamp(spec.folder) for spec in specs[:2]] == before
    assert told[0] == "2 of 3 runs are finished already, and are not repeated"
    assert told[1].startswith("3 of 3: seed-2, ")
    assert len(told) == 2


def test_a_run_that_fails_stands_in_the_list_and_is_tried_again(tmp_path: Path) -> None:
    specs = specs_in(tmp_path, 2)
    specs.insert(1, RunSpec(config_of(recipe=CRASHES), tmp_path / "crashes"))
    told: list[str] = []
    found = train(specs, say=told.append)
    assert [type(each) for each in found] == [RunResult, Failure, RunResult]
    assert told[1] == "2 of 3: crashes, failed: ZeroDivisionError: a defect"
    assert isinstance(train(specs)[1], Failure)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_the_same_call_goes_on(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/bin/plait", "compare", "my config.yaml"])
    specs = specs_in(tmp_path / "killed", 3)

    def callbacks(spec: RunSpec) -> list[Callback]:
        return [Signals(number, 2)] if spec is specs[1] else []

    with pytest.raises(Interrupted) as error:
        train(specs, callbacks=callbacks)
    assert error.value.signal == number
    told = str(error.value)
    assert "1 of 3 runs are finished and the others go on where they were" in told
    assert "`plait compare 'my config.yaml'`" in told
    assert not specs[2].folder.exists()
    before = stamp(specs[0].folder)
    train(specs)
    assert stamp(specs[0].folder) == before
    train(specs_in(tmp_path / "undisturbed", 3))
    for spec in specs:
        assert numbers_in(spec.folder) == numbers_in(tmp_path / "undisturbed" / spec.folder.name)


def test_another_run_in_a_folder_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    train(specs_in(tmp_path, 2)[1:])
    before = tree(tmp_path)
    with pytest.raises(RunExistsError, match="seed-1 has other settings: `epochs` was 2"):
        train(specs_in(tmp_path, 2, epochs=3))
    assert tree(tmp_path) == before


def test_a_folder_in_which_another_process_works_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[train.__module__], "ORPHANED", 0.0)
    specs = specs_in(tmp_path, 2)
    with hold(specs[1].folder), pytest.raises(RunExistsError, match=r"works in .*seed-1"):
        train(specs)
    assert not specs[0].folder.exists()


@pytest.mark.parametrize(
    ("count", "options", "told"),
    [
        (1, {"jobs": 0}, "`jobs` must be at least 1; found 0"),
        (1, {"backend": "threads"}, "unknown backend 'threads'"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    count: int, options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        train(specs_in(tmp_path, count), **options)


def test_two_runs_of_one_folder_are_refused(tmp_path: Path) -> None:
    (spec,) = specs_in(tmp_path, 1)
    with pytest.raises(ConfigError, match="two runs have the folder"):
        train([spec, RunSpec(spec.config, spec.folder / ".." / spec.folder.name)])


def test_a_problem_that_is_open_serves_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plait.experiments import open_problem

    problem = open_problem(config_of())
    monkeypatch.setattr(once_module, "open_problem", lambda *_: pytest.fail("opened again"))
    assert len(train(specs_in(tmp_path, 2), problem=problem)) == 2
