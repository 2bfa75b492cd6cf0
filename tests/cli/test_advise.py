"""``plait advise``, as it is typed."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import plait
from tests.experiments.tiny import TINY

FEW = (TINY, "epochs=1", "gallery=0", "tasks=[quarter,spot]")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_the_advice_is_the_last_thing_said() -> None:
    ran = plait("advise", *FEW, "--minutes", "1", "--out", "x")
    assert ran.code == 0, ran.err
    advice = json.loads(Path("x/advice.json").read_text())
    text = ran.out[ran.out.index("Advice: ") :]
    assert text.startswith(f"Advice: {advice['headline']}\n")
    if advice["config"]:
        assert "Settings: x/advice.yaml\n" in text
        assert plait("train", "x/advice.yaml", "--out", "y").code == 0
    assert "Model" in text
    assert "Not tried: " in ran.out


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        (("digits", "--minutes", "0"), "--minutes"),
        ((TINY, "tasks=[spot]", "--minutes", "1"), "advice is about several tasks"),
        (("digitz",), "digits"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], finding: str) -> None:
    ran = plait("advise", *words, "--out", "x")
    assert ran.code == 2
    assert finding in ran.err
    assert not Path("x").exists()
