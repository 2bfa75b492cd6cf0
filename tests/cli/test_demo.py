"""``plait demo``: an advice, or one member of each family."""

import html
import json
import re
import statistics
from pathlib import Path

import pytest

from tests.cli.shell import plait

FEW = ("recipe.scenes=64", "recipe.size=32", "epochs=1", "batch_size=32", "gallery=1")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_demo_gives_advice_and_shows_what_it_rests_on(tmp_path: Path) -> None:
    ran = plait("demo", *FEW)
    assert ran.code == 0, ran.err
    found = json.loads(Path("runs/demo/comparison.json").read_text())
    advice = json.loads(Path("runs/demo/advice.json").read_text())
    assert found["note"] in ran.out
    assert f"Advice: {advice['headline']}" in ran.out
    assert "Report: runs/demo/report.html\n" in ran.out
    headline = re.sub(r"`([^`]+)`", r"<code>\1</code>", advice["headline"])
    assert headline in html.unescape(Path("runs/demo/report.html").read_text())
    assert found["members"][0]["name"] == "plain-sum"
    (line,) = [line for line in ran.out.splitlines() if line.startswith("│ Plain sum ")]
    assert f"{found['members'][0]['delta_m'][0]:+.1f}" in line
    assert ran.err.startswith("plait: looking for advice within 3 min; folder: runs/demo\n")
    again = plait("demo", *FEW, "--out", "runs/demo")
    assert again.code == 0, again.err
    assert "are finished already" in again.err


def test_demo_json_is_json_and_nothing_else(tmp_path: Path) -> None:
    ran = plait("demo", *FEW, "tasks=[centre,digit]", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["report"] == "out/report.html"
    assert found["comparison"] == json.loads(Path("out/comparison.json").read_text())
    written = json.loads(Path("out/advice.json").read_text())
    assert {name: found[name] for name in written} == written


def test_demo_families_shows_one_column_for_each() -> None:
    ran = plait("demo", "--families", *FEW, "--json", "--out", "families")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [member["name"] for member in found["members"]] == ["shared", "tied", "connected"]
    assert Path(found["report"]).is_file()


def test_demo_trains_as_many_seeds_as_it_is_told() -> None:
    ran = plait("demo", "--families", *FEW, "tasks=[centre]", "--seeds", "2", "--out", "demo")
    assert ran.code == 0, ran.err
    found = json.loads(Path("demo/comparison.json").read_text())
    assert found["seeds"] == [0, 1]
    member = found["members"][0]
    assert member["networks"][""]["folders"] == ["seed-0/shared", "seed-1/shared"]
    (line,) = [line for line in ran.out.splitlines() if line.startswith("│ Hard ")]
    gain = round(statistics.fmean(member["delta_m"]), 1) + 0.0  # no -0.0
    assert f" {gain:+.1f} " in line
    assert plait("demo", "--seeds", "0", "--out", "none").code == 2
    assert not Path("none").exists()
