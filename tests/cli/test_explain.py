"""``plait explain``: as table and JSON, and the usual errors."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import plait
from tests.experiments.tiny import TINY


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def test_it_says_what_is_shared_and_writes_nothing(tmp_path: Path) -> None:
    ran = plait("explain", TINY, "sharing=MMoE", "--depth", "3")
    assert ran.code == 0
    assert "sharing.encoders.shared" in ran.out
    assert "Trained by all 3 tasks: " in ran.out
    assert "Balanced by Equal. Backward passes of a step: 1" in ran.out
    assert not list(tmp_path.iterdir())


def test_json_has_the_same_numbers(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"recipe: {TINY}\nbalancing: UPGrad\n")
    ran = plait("explain", "config.yaml", "--json")
    found = json.loads(ran.out)
    assert found["balancer"] == "UPGrad"
    assert found["tasks"] == ["quarter", "mask", "spot"]
    assert sum(each["parameters"] for each in found["totals"]) == found["parameters"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.yaml",), "missing.yaml"),
        ((TINY, "sharing=Hart"), "did you mean"),
        ((TINY, "epoch=3"), "epoch"),
        ((TINY, "--depth", "0"), "depth"),
        ((), "name a recipe"),
    ],
)
def test_wrong_input_is_one_message(words: tuple[str, ...], said: str) -> None:
    ran = plait("explain", *words)
    assert ran.code == 2
    assert said.lower() in ran.err.lower()
