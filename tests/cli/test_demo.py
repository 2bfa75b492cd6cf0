"""``plait demo``: one list of members or another through the same comparison."""

import json
import statistics
from pathlib import Path

import pytest

from tests.cli.shell import plait

FEW = ("recipe.scenes=64", "recipe.size=32", "epochs=1", "batch_size=32", "gallery=1")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_demo_compares_and_shows_the_comparison(tmp_path: Path) -> None:
    ran = plait("demo", *FEW)
    assert ran.code == 0, ran.err
    found = json.loads(Path("runs/demo/comparison.json").read_text())
    assert found["note"] in ran.out
    assert ran.out.endswith("Report: runs/demo/report.html\n")
    (member,) = found["members"]
    (line,) = [line for line in ran.out.splitlines() if line.startswith("│ Joint ")]
    for task, metrics in found["metrics"].items():
        (value,) = member["test"][task][next(iter(metrics))]
        assert f" {value:.4g} " in line
    first, *lines = ran.err.splitlines()
    assert first.startswith("plait: comparing joint with single-task training on digits")
    titles = ["digit alone", "mask alone", "centre alone", "joint"]
    assert [line.strip() for line in lines if line.strip() in titles] == titles
    assert plait("demo", *FEW, "--out", "runs/demo").code == 0, "nothing is left to be trained"


def test_demo_json_is_json_and_nothing_else(tmp_path: Path) -> None:
    ran = plait("demo", *FEW, "tasks=[centre]", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found.pop("report") == "out/report.html"
    assert found == json.loads(Path("out/comparison.json").read_text())


def test_demo_families_shows_one_column_for_each() -> None:
    ran = plait("demo", "--families", *FEW, "--json", "--out", "families")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [member["name"] for member in found["members"]] == ["shared", "tied", "connected"]
    assert Path(found["report"]).is_file()


def test_demo_trains_as_many_seeds_as_it_is_told() -> None:
    ran = plait("demo", *FEW, "tasks=[centre]", "--seeds", "2", "--out", "demo")
    assert ran.code == 0, ran.err
    found = json.loads(Path("demo/comparison.json").read_text())
    assert found["seeds"] == [0, 1]
    (member,) = found["members"]
    assert member["networks"][""]["folders"] == ["seed-0/joint", "seed-1/joint"]
    (line,) = [line for line in ran.out.splitlines() if line.startswith("│ Joint ")]
    gain = round(statistics.fmean(member["delta_m"]), 1) + 0.0  # no -0.0
    assert f" {gain:+.1f} " in line
    assert plait("demo", "--seeds", "0", "--out", "none").code == 2
    assert not Path("none").exists()
