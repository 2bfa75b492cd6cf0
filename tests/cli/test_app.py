"""The commands together: version, help, and failures that are no fault of the user."""

import importlib
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plait.cli import main
from tests.cli.shell import plait
from tests.experiments.tiny import tree

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs without --out go to runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


# --- version and help -----------------------------------------------------------------------


def test_version() -> None:
    ran = plait("--version")
    assert (ran.code, ran.out, ran.err) == (0, importlib.metadata.version("plait") + "\n", "")


@pytest.mark.parametrize("command", [(), ("demo",), ("train",), ("report",), ("list",)])
def test_help(command: tuple[str, ...]) -> None:
    ran = plait(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: plait" in ran.out
    for word in command or ("demo", "train", "report", "list", "--version"):
        assert word in ran.out


def test_without_a_command_help_is_shown() -> None:
    ran = plait()
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: plait" in ran.out
    assert "train" in ran.out


def environment() -> dict[str, str]:
    """For a child in another folder, which has to find the recipes of the tests."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


# --- failures that are no fault of the user -------------------------------------------------


def python_m_plait(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plait", *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_defect_shows_its_traceback_and_ends_with_1(tmp_path: Path) -> None:
    """As ``python -m plait``, which is the same program."""
    path = "tests.experiments.tiny:Crashes"
    ran = python_m_plait("train", path, "--out", "run", cwd=tmp_path)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "Traceback (most recent call last)" in ran.stderr
    assert ran.stderr.endswith("ZeroDivisionError: a defect\n")
    assert not (tmp_path / "run").exists()


def test_an_error_inside_a_command_is_not_hidden_in_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(family: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(importlib.import_module("plait.experiments.catalogue"), "catalogue", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["list"])


def test_looking_leaves_no_files(tmp_path: Path) -> None:
    before = tree(tmp_path)
    plait("list")
    plait("--version")
    assert tree(tmp_path) == before
