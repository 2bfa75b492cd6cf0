"""What a run was made with."""

import os
import subprocess
from pathlib import Path

import pytest
import torch

from plait.runs.environment import environment

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
GIT |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *words: str) -> str:
    made = subprocess.run(
        ["git", *words],
        cwd=folder,
        env=os.environ | GIT,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def test_the_commit_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment(0)["git_commit"] is None
    git(tmp_path, "init", "-q")
    assert environment(0)["git_commit"] is None, "no commit yet"
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert environment(0)["git_commit"] == git(tmp_path, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment(0)["git_commit"] is None


def test_threads_and_seed() -> None:
    found = environment(7)
    assert found["seed"] == 7
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] == os.cpu_count()
