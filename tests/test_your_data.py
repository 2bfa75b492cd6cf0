"""The page "Your data in five minutes", typed line by line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from plait.experiments import read_yaml
from tests.cli.shell import plait

PAGE = (Path(__file__).parents[1] / "docs/your_data.md").read_text(encoding="utf-8")
SHELL = "".join(re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)).splitlines()
QUICK = ("epochs=2", "device=cpu")  # the test is of the words, and not of what is learned


def test_the_page_is_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    typed = []
    for line in SHELL:
        words = shlex.split(line)
        if words[0] == "python":
            exec(words[2])
        elif words[0] == "plait":
            training = words[1] == "train" and "--help-settings" not in words
            ran = plait(*words[1:], *(QUICK if training else ()))
            assert ran.code == 0, ran.err
            typed.append(words[1])
    assert {"init", "train", "predict", "evaluate", "report"} <= set(typed)
    (shown,) = re.findall(r"```yaml\n(# Written.*?)```", PAGE, flags=re.DOTALL)
    assert Path("diabetes.yaml").read_text() == shown
    assert read_yaml(Path("runs/upgrad/config.yaml"))["balancing"] == {"class": "UPGrad"}
    assert list(read_yaml(Path("runs/target/model/config.json"))["names"]) == ["target"]
    found = pd.read_csv("predicted.csv")
    assert {"age", "target", "bp", "sex", "sex=1", "sex=2"} == set(found.columns)
    assert len(found) == 442
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    example = example.replace(
        "run = plait.fit(frame, ", "run = plait.fit(frame, epochs=2, targets="
    )
    exec(compile(example, "your_data.md", "exec"), {"__name__": "example"})
