"""The three families on the command line: what trains, and what is refused with its reason."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.shell import plait
from tests.cli.test_bad_input import error_of, refused
from tests.experiments.tiny import TINY

FAST = ("epochs=1", "gallery=0")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(
    "settings",
    [
        ("sharing=MMoE", "sharing.experts=2"),
        ("sharing=Hard", "sharing.attach={quarter: 0}"),
        ("sharing=Separate", "regularization=PairwiseL2", "regularization.strength=0.1"),
        ("sharing=Separate", "connections=CrossStitch"),
        (
            "sharing=Separate",
            "regularization=[{class: MeanRegularized, strength: 0.1, mode: prox}]",
            "connections=[{class: Lateral, alpha: learned}, {class: Hint, edges: [[mask, spot]]}]",
            "balancing=UPGrad",
        ),
    ],
)
def test_the_config_reaches_every_family(settings: tuple[str, ...]) -> None:
    ran = plait("train", TINY, *FAST, *settings, "--out", "run")
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in Path("run/events.jsonl").read_text().splitlines()]
    assert lines[-1]["event"] == "test"
    assert Path("run/report.html").is_file()


def test_from_takes_over_what_was_trained() -> None:
    assert plait("train", TINY, *FAST, "tasks=[quarter]", "--out", "one").code == 0
    words = ("tasks=[quarter,mask]", "sharing=Separate", "freeze=[quarter]")
    ran = plait("train", TINY, *FAST, *words, "--from", "one", "--out", "two")
    assert ran.code == 0, ran.err
    assert "Started from encoders: quarter, mask (from quarter); heads: quarter" in ran.out
    assert yaml.safe_load(Path("two/config.yaml").read_text())["start_from"] == ["one"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("connections=CrossStitch",), "connects the stages of one network per task; Hard shares"),
        (("regularization=PairwiseL2",), "PairwiseL2 needs the option 'strength'"),
        (
            ("regularization=PairwiseL2", "regularization.strength=0.1"),
            "Hard shares parameters already. Use sharing.Separate",
        ),
        (("sharing=DSelectK", "sharing.k=9"), "k"),
        (("sharing=MMOE",), "unknown sharing 'MMOE'; known: .*Did you mean 'MMoE'"),
        (("sharing=MMoE", "sharing.expert=4"), "no option 'expert'; .*Did you mean 'experts'"),
        (
            ("sharing=Separate", "connections=Hint", "connections.edges=[[quarter, spto]]"),
            "edge quarter -> spto: unknown task 'spto'; .*Did you mean 'spot'",
        ),
        (
            (
                "sharing=Separate",
                "connections=Lateral",
                "connections.edges=[[quarter, spot], [spot, quarter]]",
            ),
            "the edges form a cycle",
        ),
        (
            (
                "sharing=Separate",
                "regularization=GraphLaplacian",
                "regularization.strength=1",
                "regularization.graph=[[0, 1, 0], [0, 0, 0], [0, 0, 0]]",
            ),
            "symmetric",
        ),
        (
            (
                "sharing=Separate",
                "regularization=PairwiseL2",
                "regularization.strength=1",
                "regularization.scope=nothing.*",
            ),
            "matches no parameter",
        ),
        (("freeze=[quarter]",), "its encoder is shared with mask, spot"),
        (("freeze=[quartre]",), "no task and matches no parameter .*Did you mean 'quarter'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    settings: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    message = error_of(refused(tmp_path, "train", TINY, *FAST, *settings, "--out", "run"))
    assert re.search(words, message), message
