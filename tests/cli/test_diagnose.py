"""``plait diagnose``: a run and a configuration, as sentences and as JSON, and the usual errors."""

import json
from pathlib import Path

import pytest

from plait.runs.diagnosis import read_diagnosis
from tests.cli.shell import plait
from tests.experiments.tiny import TINY


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def test_a_configuration_gets_a_short_training_of_its_own(tmp_path: Path) -> None:
    ran = plait("diagnose", TINY, "sharing=MMoE", "--steps", "3", "--no-forecast")
    assert ran.code == 0, ran.err
    folder = tmp_path / "runs/tiny-diagnosis"
    found = read_diagnosis(folder)
    assert ran.out.startswith(found.sentences[0])
    assert found.advice in ran.out
    assert "By layer" in ran.out and "Forecast" not in ran.out
    assert "3 steps" in ran.err
    again = plait("diagnose", str(folder), "--no-forecast", "--json")
    told = json.loads(again.out)
    assert (
        told["source"] == "run"
        and told["conflict"] == json.loads((folder / "diagnosis.json").read_text())["conflict"]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs/none",), "no configuration file"),
        (("missing.yaml",), "missing.yaml"),
        ((TINY, "sharing=Hart"), "did you mean"),
        ((TINY, "--steps", "0"), "steps"),
        ((".",), "no run"),
        ((), "name a recipe"),
    ],
)
def test_wrong_input_is_one_message(words: tuple[str, ...], said: str) -> None:
    ran = plait("diagnose", *words)
    assert ran.code == 2
    assert said.lower() in ran.err.lower()
    assert not Path("runs").exists()


def test_a_run_keeps_its_settings() -> None:
    assert plait("train", TINY, "epochs=1", "--out", "run").code == 0
    ran = plait("diagnose", "run", "epochs=3")
    assert ran.code == 2 and "its own settings" in ran.err
