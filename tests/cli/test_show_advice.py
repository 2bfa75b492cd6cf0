"""Advice on stdout."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from plait.cli import show_advice
from tests.reports.words.made import of_members
from tests.runs.test_advice import FOUND


def test_all_that_it_rests_on_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show_advice.advice(FOUND, Path("here"))
    text = capsys.readouterr().out
    assert "Seen: a and c are in conflict\n" in text
    assert "Tried: X (final): r\n" in text
    assert "Not tried: MTAN: no time\n" in text
    assert "Minutes: first look 1.0; 10 were given.\n" in text
    assert "Advice: train a and b together, keep c apart\n" in text
    assert text.endswith("Settings: here/advice.yaml\nModel: here/seed-0/grouped\n")


def test_separate_networks_have_a_model_each(capsys: pytest.CaptureFixture[str]) -> None:
    apart = replace(FOUND, config="", models={"a": "single-a", "b": "single-b"})
    show_advice.advice(apart, Path("here"))
    text = capsys.readouterr().out
    assert text.endswith("Model of a: here/single-a\nModel of b: here/single-b\n")


def test_json_is_the_advice_and_its_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    show_advice.as_json(FOUND, of_members(x=[1.0, 2.0]), Path("here"), Path("here/report.html"))
    shown = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert shown["headline"] == FOUND.headline
    assert shown["comparison"]["seeds"] == [0, 1]
    assert shown["report"] == "here/report.html"
