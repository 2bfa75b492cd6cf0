"""The tables of a diagnosis have its numbers."""

import json
from pathlib import Path

import pytest

from plait.cli.diagnosis import show
from tests.runs.test_diagnosis import WHOLE


def test_everything_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show(WHOLE, tmp_path, as_json=False)
    text = capsys.readouterr().out
    for part in (
        *("a and b conflict.", "Train them apart.", "the log has no cosines", "-0.50", "100 %"),
        *("By layer", "sharing.encoder.0", "20 %", "gates", "0.5", "Equal", "1.00"),
        *("Pareto-stationary, in 2 steps", "Not usable here: GLS", "diagnosis.json"),
    ):
        assert part in text, part


def test_json_is_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show(WHOLE, tmp_path, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["opposed"][0]["cosine"] == -0.5
    assert told["folder"] == str(tmp_path)
