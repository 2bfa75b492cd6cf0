"""Two modalities with one task in common: a run from the command line to predictions of both."""

from pathlib import Path
from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.data.collate import collate
from plait.experiments import build_job, run, validate, with_defaults
from plait.recipes import DigitsEverywhere
from tests.cli.shell import plait
from tests.recipes.image_folders import archive
from tests.recipes.known_media import fsdd, tone
from tests.recipes.real_data import real


def both(folder: Path) -> Path:
    """Spoken digits and images; the speech has all ten digits, so that the task is one."""
    fsdd(folder / "fsdd")
    for digit in range(2, 10):
        for number in (0, 5, 10):
            name = f"{digit}_george_{number}.wav"
            content = tone(300 + 150 * digit, 0.12)
            (folder / "fsdd/recordings" / name).write_bytes(content)
    (folder / "mnist").mkdir()
    archive(folder / "mnist", train=40, test=12)
    return folder


def test_the_digit_is_one_task_and_the_speaker_is_of_sounds_alone(tmp_path: Path) -> None:
    recipe = DigitsEverywhere(data=both(tmp_path), images=8)
    assert [task.name for task in recipe.tasks()] == ["digit", "speaker"]
    assert {s: len(each) for s, each in recipe.splits()["train"].by_source.items()} == {
        "sounds": 24,
        "images": 8,
    }
    encoder = recipe.encoder()
    for name in recipe.sources:
        vector = encoder({name: recipe.example(name)})
        assert vector.shape[-1] == 128


def test_a_run_trains_both_stems_and_the_trunk(tmp_path: Path) -> None:
    folder = both(tmp_path / "data")
    settings = {"recipe": "digits-everywhere", "data": str(folder), "epochs": 2, "batch_size": 4}
    config = validate(with_defaults({**settings, "device": "cpu"}))
    first = build_job(config, tmp_path / "other").trainer.model.state_dict()
    result = run(config, tmp_path / "run")
    assert result.test.metrics.keys() == {"digit", "speaker"}
    last: Any = build_job(config, tmp_path / "again").trainer.model
    last.load_state_dict(type(last).from_pretrained(tmp_path / "run/model").state_dict())
    learned = dict(last.named_parameters())
    still = [name for name, value in learned.items() if torch.equal(value, first[name])]
    assert not still


def test_one_network_predicts_from_a_sound_and_from_an_image(tmp_path: Path) -> None:
    folder = both(tmp_path / "data")
    words = ("epochs=1", "device=cpu", "--out", tmp_path / "run")
    trained = plait("train", "digits-everywhere", "--data", folder, *words)
    assert trained.code == 0, trained.err
    from plait.model import MultiTaskModel

    model = MultiTaskModel.from_pretrained(tmp_path / "run/model").eval()
    recipe = DigitsEverywhere(data=folder)
    for source, data in recipe.splits()["test"].by_source.items():
        inputs = collate([data[0], data[1]])[0]
        predicted = model({source: inputs})
        assert predicted["digit"].shape == (2, 10)


def test_options_and_folders_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`images` of DigitsEverywhere must be"):
        DigitsEverywhere(data=tmp_path, images=0)
    with pytest.raises(DataError, match=r"must hold recordings\.tar\.xz"):
        DigitsEverywhere(data=tmp_path).splits()


def test_the_real_data() -> None:
    real("mnist", "mnist.npz")
    folder = real("fsdd", "recordings.tar.xz").parent
    splits = DigitsEverywhere(data=folder).splits()
    assert [len(data) for data in splits.values()] == [4800, 1300, 10_300]
