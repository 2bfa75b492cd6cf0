"""``plait compare``, as it is typed."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.shell import plait

FEW = ("recipe.scenes=64", "recipe.size=32", "epochs=1", "batch_size=32", "gallery=1")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_members_by_name_and_the_folder_again(tmp_path: Path) -> None:
    words = ("compare", "digits", *FEW, "optimizer.lr=1e-3", "--seeds", "1", "--rows", "none")
    ran = plait(*words, "--members", "UPGrad", "--out", "x")
    assert ran.code == 0, ran.err
    found = json.loads(Path("x/comparison.json").read_text())
    assert [member["name"] for member in found["members"]] == ["plain-sum", "upgrad"]
    assert Path("x/report.html").exists()
    assert Path("x/comparison.csv").read_text().startswith("member,seed,split,task,metric,value\n")
    again = plait(*words, "--members", "UPGrad", "--out", "x", "--json")
    assert again.code == 0, again.err
    assert "5 of 5 runs are finished already" in again.err
    assert json.loads(again.out)["members"][1]["name"] == "upgrad"


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        (("--members", "UPGard"), "unknown method 'UPGard'"),
        (("--rows", "merge"), "--rows must be one of .*; found 'merge'.*merged"),
        (("--rows", "merged, tuned-weights"), "needs trials. Add --trials 10"),
        (("--budget", "hours"), "--budget must be one of epochs, time"),
        (("--backend", "spark"), "--backend must be one of loky, ray, dask"),
        (("--members", "none.yaml"), "no configuration file"),
        (("epoch=3",), "unknown setting 'epoch'"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_trained(
    words: tuple[str, ...], finding: str
) -> None:
    ran = plait("compare", "digits", *words, "--out", "x")
    assert ran.code == 2
    assert re.search(finding, ran.err), ran.err
    assert not Path("x").exists()
