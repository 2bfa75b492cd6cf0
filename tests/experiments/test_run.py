"""A run folder: what is in it, and that its config.yaml is the run again, to the last bit."""

import json
import platform
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from rich.console import Console

from plait import MultiTaskModel, __version__
from plait.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    NonFiniteError,
    RunExistsError,
)
from plait.evaluation import evaluate
from plait.experiments import (
    build_job,
    open_problem,
    read_yaml,
    resume_run,
    run,
    validate,
    with_defaults,
)
from plait.runs.resamples import read_resamples
from plait.runs.result import RunResult
from plait.training import ProgressBar
from tests.experiments.tiny import TINY, tree
from tests.recipes.a_table import settings, table
from tests.training.problem import (
    StopAt,
    Stopped,
    assert_same_run,
    differences,
    events,
    saved,
)

FULL: dict[str, Any] = {
    "recipe": {"class": TINY, "examples": 20},
    "tasks": {"mask": None, "spot": {"weight": 1.5}},
    "balancing": {"class": "PCGrad", "seed": 3},
    "optimizer": {"class": "Adam", "lr": 3e-3, "betas": [0.8, 0.9], "weight_decay": 1e-5},
    "scheduler": {"class": "OneCycleLR", "max_lr": 1e-2},
    "accumulate": 2,
    "clip": 1e-1,
    "seed": 11,
    "epochs": 3,
    "measure_every": 1,
    "checkpoint_every": 1,
}


def trained(folder: Path, **settings: Any) -> RunResult:
    return run(validate(with_defaults({"recipe": TINY, **settings})), folder)


def test_resamples_of_the_test_split_are_written_and_change_nothing(tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": TINY}))
    plain, resampled = run(config, tmp_path / "a"), run(config, tmp_path / "b", resamples=5)
    assert resampled.test == plain.test
    assert read_resamples(tmp_path / "a") is None
    found = read_resamples(tmp_path / "b")
    assert found is not None
    assert (found.draws, found.of, set(found.units.values())) == (5, "rows", {16})
    assert {task: list(own) for task, own in found.metrics.items()} == {
        task: list(own) for task, own in plain.test.metrics.items()
    }
    assert len(set(found.metrics["quarter"]["accuracy"])) > 1


def test_the_folder_holds_the_whole_run(tmp_path: Path) -> None:
    trained(tmp_path / "new" / "run")
    assert set(tree(tmp_path / "new" / "run")) == {
        "result.json",
        "config.yaml",
        "trainer.json",
        "env.json",
        "events.jsonl",
        "checkpoints/last.pt",
        "checkpoints/best.pt",
        "model/config.json",
        "model/model.safetensors",
        "model/README.md",
        "gallery/gallery.json",
        *(f"gallery/{i:03}{part}.png" for i in range(2) for part in PARTS),
    }


PARTS = ("-input0", "-task1-true", "-task1-predicted")


def test_the_result_is_that_of_the_best_epoch_on_the_test_split(tmp_path: Path) -> None:
    """Weights from the model folder, data from the recipe: the metrics come out again."""
    result = trained(tmp_path, epochs=3)
    lines = events(tmp_path)
    scores = [line["score"] for line in lines if line["event"] == "evaluation"]
    assert result.best_epoch == 1 + scores.index(max(scores))
    model = MultiTaskModel.from_pretrained(tmp_path / "model")
    assert not list(differences(model.state_dict(), saved(tmp_path, "best.pt")["model"]))
    test = build_job(validate(read_yaml(tmp_path / "config.yaml")), tmp_path / "x").loaders["test"]
    again = evaluate(model, test)
    assert result.test.metrics == again.metrics
    assert result.test.losses == again.losses
    (line,) = (line for line in lines if line["event"] == "test")
    assert line is lines[-1]
    assert line["metrics"] == again.metrics
    assert [line["split"] for line in lines if line["event"] == "labels"] == [
        "train",
        "val",
        "test",
    ]
    assert line["trivial"] == result.test.trivial
    assert result.parameters == sum(p.numel() for p in model.parameters())
    assert result.seconds > 0


@pytest.mark.parametrize("settings", [{}, FULL])
def test_config_yaml_is_the_run_again(settings: dict[str, Any], tmp_path: Path) -> None:
    """Twice from its own file: resolved with the recipe's defaults once more, nothing changes."""
    trained(tmp_path / "first", **settings)
    config = tmp_path / "first/config.yaml"
    run(validate(with_defaults(read_yaml(config))), tmp_path / "second")
    assert_same_run(tmp_path / "first", tmp_path / "second")
    assert config.read_text() == (tmp_path / "second/config.yaml").read_text()
    files = [tree(tmp_path / name) for name in ("first", "second")]
    kept = [
        {name: digest for name, digest in found.items() if name.startswith(("model", "gallery"))}
        for found in files
    ]
    assert kept[0] == kept[1]
    assert kept[0]


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    """Else the test above would compare what never changes."""
    trained(tmp_path / "first")
    trained(tmp_path / "second", seed=1)
    states = [saved(tmp_path / name)["model"] for name in ("first", "second")]
    assert list(differences(*states))


def test_config_yaml_says_everything(tmp_path: Path) -> None:
    trained(tmp_path)
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert written == validate(with_defaults({"recipe": TINY})).described()
    assert written["sharing"] == {"class": "Hard"}
    assert written["optimizer"] == {"class": "SGD", "lr": 0.05, "momentum": 0.9}


def test_env_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/plait", "train", "digits", "seed=5"])
    trained(tmp_path / "run", seed=5)
    found = json.loads((tmp_path / "run/env.json").read_text())
    assert found["command"] == "plait train digits seed=5"
    assert found["seed"] == 5
    assert found["plait"] == __version__
    assert found["torch"] == torch.__version__
    assert found["python"] == platform.python_version()
    assert found["git_commit"] is None or len(found["git_commit"]) == 40
    assert {"numpy", "torchmetrics", "safetensors", "system", "cores", "threads"} <= found.keys()
    assert all(not isinstance(value, dict | list) for value in found.values())


# --- resume ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "count"), [("on_step_end", 4), ("on_validation_end", 2)])
def test_a_run_is_resumed_with_its_own_settings(event: str, count: int, tmp_path: Path) -> None:
    expected = trained(tmp_path / "whole", **FULL)
    config = validate(with_defaults(FULL))
    with pytest.raises(Stopped):
        run(config, tmp_path / "stopped", callbacks=[StopAt(event, count)])
    assert not (tmp_path / "stopped/model").exists()
    written = tree(tmp_path / "stopped")
    result = resume_run(tmp_path / "stopped")
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")
    after = tree(tmp_path / "stopped")
    assert {name: after[name] for name in ("config.yaml", "env.json")} == {
        name: written[name] for name in ("config.yaml", "env.json")
    }
    assert result.test == expected.test
    assert (result.best_epoch, result.parameters) == (expected.best_epoch, expected.parameters)


def test_a_run_that_ended_before_its_test_is_tested(tmp_path: Path) -> None:
    """Killed after the last epoch: training is over, the rest is done."""
    expected = trained(tmp_path / "whole")
    config = validate(with_defaults({"recipe": TINY}))
    with pytest.raises(Stopped):
        run(config, tmp_path / "stopped", callbacks=[StopAt("on_train_end", 1)])
    assert resume_run(tmp_path / "stopped").test == expected.test
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    first = trained(tmp_path)
    lines, files = events(tmp_path), tree(tmp_path)
    again = resume_run(tmp_path)
    assert again.test == first.test
    assert events(tmp_path) == lines, "one line for the test, not two"
    after = tree(tmp_path)
    assert after.keys() == files.keys()
    for part in ("checkpoints", "model", "gallery", "config", "env"):
        assert {k: v for k, v in after.items() if k.startswith(part)} == {
            k: v for k, v in files.items() if k.startswith(part)
        }


def test_a_folder_without_a_run_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(ConfigError, match=r"holds no run to resume \(no config.yaml\)"):
        resume_run(tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"something else"])
def test_a_damaged_checkpoint_is_refused_untouched(content: bytes, tmp_path: Path) -> None:
    trained(tmp_path)
    (tmp_path / "checkpoints/last.pt").write_bytes(content)
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match=r"last\.pt is truncated, damaged or no checkpoint"):
        resume_run(tmp_path)
    assert tree(tmp_path) == before


def test_the_checkpoint_of_another_model_is_refused_untouched(tmp_path: Path) -> None:
    trained(tmp_path / "first")
    trained(tmp_path / "other", encoder={"class": "ConvEncoder", "in_channels": 1, "widths": [3]})
    first, other = (tmp_path / name / "checkpoints/last.pt" for name in ("first", "other"))
    state = torch.load(first, weights_only=True)
    torch.save({**state, "model": torch.load(other, weights_only=True)["model"]}, first)
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match="made for another model"):
        resume_run(tmp_path / "first")
    assert tree(tmp_path) == before


# --- existing files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.yaml", "events.jsonl", "comparison.json"])
def test_a_folder_that_holds_a_run_is_refused_untouched(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/last.pt").write_text("precious, too")
    before = tree(tmp_path)
    with pytest.raises(RunExistsError, match="already holds a run; nothing in it was touched"):
        trained(tmp_path)
    assert tree(tmp_path) == before


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    trained(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"balancing": "PCGard"}, ConfigError),
        ({"recipe": "tests.experiments.tiny:EmptySplit"}, DataError),
        ({"optimizer": {"class": "SGD", "lr": -1}}, ConfigError),
    ],
)
def test_what_is_found_before_training_leaves_no_folder(
    settings: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        trained(tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match=r"step [123]: .*'(quarter|mask|spot)'"):
        trained(tmp_path, recipe="tests.experiments.tiny:NotFinite")
    state = saved(tmp_path)["model"]
    assert all(bool(torch.isfinite(value.float()).all()) for value in state.values())
    assert not (tmp_path / "model").exists()


def test_notes_on_the_data_are_logged_and_shown(tmp_path: Path) -> None:
    """Here: which rows are for validation, and a column that gives a target away."""
    frame = table()
    frame["copy"] = frame["plan"].map({"basic": "x", "plus": "y", "pro": "z"})
    frame["fold"] = frame["fold"].replace("val", "train")
    inputs = {"copy": "category", "town": "category"}
    settings_ = {"recipe": "Table", **settings(inputs=inputs, tasks={"plan": "category"}, epochs=1)}
    config_ = validate(with_defaults(settings_))
    text = StringIO()
    bar = ProgressBar(console=Console(file=text, width=200))
    run(config_, tmp_path / "run", callbacks=[bar], problem=open_problem(config_, frame))
    notes = [each["text"] for each in events(tmp_path / "run") if each["event"] == "warning"]
    for words in ("names no row for val", "copy gives plan away"):
        assert any(words in note for note in notes)
        assert words in text.getvalue()


def test_a_run_may_leave_the_test_split_alone(tmp_path: Path) -> None:
    """As a search has it; the training, and what is known of the best epoch, is the same."""
    config = validate(with_defaults({"recipe": TINY}))
    whole = run(config, tmp_path / "whole")
    result = run(config, tmp_path / "untested", test=False)
    assert result.test.metrics == {}
    assert (result.score, result.validation) == (whole.score, whole.validation)
    log = [event for event in events(tmp_path / "untested") if event.get("split") == "test"]
    assert not log
    assert "gallery/gallery.json" not in tree(tmp_path / "untested")
    weights = "model/model.safetensors"
    assert tree(tmp_path / "untested")[weights] == tree(tmp_path / "whole")[weights]
    assert result.validation["quarter"]
    assert whole.score == max(
        event["score"] for event in events(tmp_path / "whole") if event.get("score") is not None
    )
