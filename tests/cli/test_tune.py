"""``plait tune``, as it is typed."""

import json
from pathlib import Path

import pytest

from plait.runs.folder import REPORT, TUNING
from tests.cli.shell import Ran, plait
from tests.experiments.tiny import TINY

SHORT = (TINY, "epochs=1")


def tune(folder: Path, *words: object) -> Ran:
    return plait("tune", *SHORT, "--out", folder, *words)


def test_a_search_for_people_and_for_programs(tmp_path: Path) -> None:
    ran = tune(tmp_path, "--trials", 2, "--over", "optimizer.lr=1e-3..1e-1")
    assert ran.code == 0
    assert "plait:   optimizer.lr: 0.001 to 0.1, log-uniform" in ran.err
    assert "plait: trial 1: skill" in ran.err
    assert "The best trials (validation split)" in ran.out
    assert "as they were" in ran.out
    assert "the test split was read once, after it." in ran.out
    assert f"The best settings: plait train {tmp_path / 'best.yaml'}" in ran.out
    assert (tmp_path / REPORT).is_file()
    again = tune(tmp_path, "--trials", 2, "--over", "optimizer.lr=1e-3..1e-1", "--json")
    assert "2 of 2 trials are finished already" in again.err
    found = json.loads(again.out)
    assert found["folder"] == str(tmp_path)
    assert [trial["state"] for trial in found["trials"]] == ["trained", "trained"]
    assert found["finals"][0]["trial"] == found["best"]
    written = json.loads((tmp_path / TUNING).read_text())
    assert {**found, "folder": 0, "report": 0} == {**written, "folder": 0, "report": 0}


def test_the_best_settings_train(tmp_path: Path) -> None:
    assert tune(tmp_path, "--trials", 1, "--final-seeds", 0, "--over", "weights").code == 0
    ran = plait("train", tmp_path / "best.yaml", "--out", tmp_path / "again")
    assert ran.code == 0


def test_the_same_folder_is_found_again_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("tune", *SHORT, "--trials", 1, "--final-seeds", 0, "--over", "optimizer.lr")
    assert plait(*words).code == 0
    assert "1 of 1 trials are finished already" in plait(*words).err
    assert Path("runs/tiny-tune", TUNING).is_file()


def test_nothing_trained_is_a_failure(tmp_path: Path) -> None:
    words = ("--over", "optimizer.lr=1e30,1e31", "optimizer=SGD", "optimizer.lr=1e32")
    ran = tune(tmp_path, *words, "--trials", 2)
    assert ran.code == 1
    assert "No trial was trained to its end, so nothing was chosen." in ran.out
    assert "The best settings" not in ran.out
    ran = tune(tmp_path, *words, "--trials", 2, "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["best"] == -1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--over", "optimiser.lr=1..2"], "Did you mean 'optimizer.lr'"),
        (["--over", "optimizer.lr=2..1"], "must be LOW..HIGH with LOW < HIGH"),
        (["--over", "seed=1,2"], "the luckiest"),
        (["--trials", 0], "'--trials': Input should be greater than or equal to 1"),
        (["--objective", "skill"], "'skill' is not one of 'rule', 'task'"),
        (["balancing=UPGrd"], "Did you mean 'UPGrad'"),
        (["epoch=3"], "Did you mean 'epochs'"),
    ],
)
def test_what_is_wrong_is_one_message_and_leaves_no_folder(
    tmp_path: Path, words: list[object], said: str
) -> None:
    ran = tune(tmp_path / "new", *words)
    assert ran.code == 2
    assert said in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err
    assert not (tmp_path / "new").exists()


def test_another_search_is_refused(tmp_path: Path) -> None:
    assert tune(tmp_path, "--trials", 1, "--over", "optimizer.lr", "--final-seeds", 0).code == 0
    ran = tune(tmp_path, "--trials", 1, "--over", "weights", "--final-seeds", 0)
    assert ran.code == 2
    assert "is another one: `space" in ran.err
    assert "Name another folder with --out" in ran.err
