"""A backend is known by name, and says what is missing."""

import importlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError, MissingExtraError
from plait.experiments.jobs import Failure, RunSpec, train
from plait.experiments.jobs.backends import BACKENDS, BackendName, backend_of
from tests.experiments.jobs.tiny_runs import config_of, numbers_in, specs_in
from tests.experiments.tiny import TINY
from tests.killing import results_below, run_to_end


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown backend 'dsk'; known: .*Did you mean 'dask'"):
        backend_of("dsk")
    assert set(BACKENDS) == set(BackendName.__args__)


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_a_missing_package_is_named_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(module: str) -> Any:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(importlib, "import_module", absent)
    with (
        pytest.raises(MissingExtraError, match=rf"pip install 'plait\[{name}\]'"),
        BACKENDS[name].cluster(2),
    ):
        pass


def test_processes_of_this_machine_need_nothing() -> None:
    with BACKENDS["loky"].cluster(2) as local:
        assert local


# --- clusters of two workers on this machine ----------------------------------------------------

CRASHES = TINY.replace("Tiny", "Crashes")


def train_on(backend: str, folder: Path) -> None:
    """Trains on workers that are started for it; relative paths are those of this process."""
    os.environ["HOME"] = str(folder)  # Ray keeps a file there
    os.chdir(folder)
    specs = [*specs_in(Path("runs"), 3), RunSpec(config_of(recipe=CRASHES), Path("runs/crashes"))]
    told: list[str] = []
    found = train(specs, jobs=2, backend=backend, say=told.append)  # type: ignore[arg-type]
    assert isinstance(found[3], Failure), found
    assert not any(isinstance(each, Failure) for each in found[:3]), found
    assert len(told) == 4
    before = results_below(folder)
    again = train(specs[:3], jobs=2, backend=backend)  # type: ignore[arg-type]
    assert (again, results_below(folder)) == (found[:3], before)
    workers = {spec.folder.joinpath(".lock").read_text() for spec in specs}
    assert len(workers) == 2 and f"{os.getpid()}\n" not in workers


def train_on_own_client(folder: Path) -> None:
    """Trains on a client that is open, whose only worker has two threads."""
    distributed = importlib.import_module("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        found = train(specs_in(folder, 3, workers=1), jobs=2, backend="dask")
        assert not any(isinstance(each, Failure) for each in found), found
        assert client.status == "running"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dask", "ray"])
def test_a_cluster_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    needs(name)
    run_to_end(train_on, name, tmp_path)
    expected = specs_in(tmp_path / "here", 3)
    train(expected)
    for spec in expected:
        found = numbers_in(tmp_path / "runs" / spec.folder.name)
        assert found == numbers_in(spec.folder)


@pytest.mark.slow
def test_a_worker_with_threads_does_one_run_at_a_time(tmp_path: Path) -> None:
    needs("dask")
    run_to_end(train_on_own_client, tmp_path / "threads")
    expected = specs_in(tmp_path / "here", 3)
    train(expected)
    for spec in expected:
        assert numbers_in(tmp_path / "threads" / spec.folder.name) == numbers_in(spec.folder)


def needs(name: str) -> None:
    module = {"dask": "distributed"}.get(name, name)
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed (extra {name})")
