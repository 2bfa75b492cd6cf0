"""The data of a command, read before anything is trained."""

import pytest

from plait.cli.prepared import prepared
from tests.experiments.tiny import TINY, count_reads


def test_settings_are_whole_and_data_are_read_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = count_reads(monkeypatch)
    config, problem = prepared({"recipe": TINY, "epochs": 1})
    assert (config.epochs, config.batch_size) == (1, 8)
    assert read == ["splits"]
    problem.splits(problem.tasks(config.tasks))
    assert read == ["splits"], "the problem has them"
    assert "preparing the data" in capsys.readouterr().err
