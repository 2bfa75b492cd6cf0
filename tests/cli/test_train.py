"""``plait train``: settings from everywhere, the test on stdout, progress on stderr, signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from plait.experiments import run, validate
from tests.cli.shell import plait
from tests.experiments.tiny import TINY
from tests.recipes.pet_folders import write_official
from tests.training.problem import StopAt, Stopped, assert_same_run, events, saved

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs without --out go to runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_train_shows_the_test_on_stdout_and_progress_on_stderr(tmp_path: Path) -> None:
    ran = plait("train", TINY, "epochs=2", "--out", "run")
    assert ran.code == 0
    test = events(tmp_path / "run")[-1]
    for task, metrics in test["metrics"].items():
        for metric, value in metrics.items():
            rows = [line.split() for line in ran.out.splitlines() if f" {metric} " in line]
            constant = test["trivial"][task][metric]
            numbers = [row[1::2] for row in rows]
            assert [task, metric, f"{value:.4g}", f"{constant:.4g}"] in numbers
    assert "run folder: run\n" in ran.out
    assert ran.out.endswith("Report: run/report.html\n")
    assert "<!DOCTYPE html>" in Path("run/report.html").read_text()
    first, second, *lines = ran.err.splitlines()
    assert first == f"plait: training {TINY}; run folder: run"
    assert second == "plait: preparing the data"
    epochs = [line.split()[0] for line in lines]
    assert [epoch for epoch in epochs if "/" in epoch] == ["1/2", "2/2"]
    assert "1/2" not in ran.out


def test_train_json_is_json_and_nothing_else(tmp_path: Path) -> None:
    ran = plait("train", TINY, "--out", "run", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    test = events(tmp_path / "run")[-1]
    assert found["metrics"] == test["metrics"]
    assert found["trivial"] == test["trivial"]
    assert found["folder"] == "run"
    assert found["report"] == "run/report.html"
    assert found["best_epoch"] in (1, 2)
    assert found["parameters"] > 0
    assert found["seconds"] > 0


def test_runs_get_folders_of_their_own(tmp_path: Path) -> None:
    for expected in ("tiny", "tiny-2"):
        ran = plait("train", TINY, "epochs=1", "--json")
        assert json.loads(ran.out)["folder"] == f"runs/{expected}"
    assert sorted(path.name for path in Path("runs").iterdir()) == ["tiny", "tiny-2"]


def test_settings_come_from_defaults_then_the_file_then_words(tmp_path: Path) -> None:
    Path("run.yaml").write_text(
        f"recipe: {TINY}\nepochs: 3\nbatch_size: 6\noptimizer: {{class: SGD, lr: 1e-3}}\n"
    )
    words = ("epochs=1", "optimizer.momentum=.5", "recipe.examples=12", "tasks=[spot]")
    assert plait("train", *words, "run.yaml", "--out", "run").code == 0
    found = yaml.safe_load(Path("run/config.yaml").read_text())
    assert found["recipe"] == {"class": TINY, "examples": 12}
    assert (found["epochs"], found["batch_size"], found["gallery"]) == (1, 6, 2)
    assert found["optimizer"] == {"class": "SGD", "lr": 1e-3, "momentum": 0.5}
    assert found["tasks"] == ["spot"]


def test_the_config_of_a_run_makes_the_run_again(tmp_path: Path) -> None:
    words = ("balancing=PCGrad", "optimizer=Adam", "optimizer.lr=1e-2", "clip=0.5", "seed=4")
    assert plait("train", TINY, *words, "--out", "first").code == 0
    assert plait("train", "first/config.yaml", "--out", "second").code == 0
    assert_same_run(tmp_path / "first", tmp_path / "second")
    assert Path("first/config.yaml").read_text() == Path("second/config.yaml").read_text()


def test_resume_goes_on_with_a_run(tmp_path: Path) -> None:
    words = (TINY, "epochs=3", "checkpoint_every=1", "balancing=UncertaintyWeights")
    assert plait("train", *words, "--out", "whole").code == 0
    settings = yaml.safe_load(Path("whole/config.yaml").read_text())
    with pytest.raises(Stopped):
        run(validate(settings), tmp_path / "stopped", callbacks=[StopAt("on_step_end", 5)])
    ran = plait("train", "--resume", "stopped", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["metrics"] == events(tmp_path / "whole")[-1]["metrics"]
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")
    assert Path("stopped/report.html").exists()


@pytest.mark.parametrize("edited", [True, False])
def test_a_run_trains_longer(edited: bool, tmp_path: Path) -> None:
    """With the number in its file, or as a word, which the file then gets; here after its end."""
    words = (TINY, "scheduler={class: ExponentialLR, gamma: 0.9}", "balancing=PCGrad")
    assert plait("train", *words, "epochs=3", "--out", "whole").code == 0
    assert plait("train", *words, "epochs=1", "--out", "longer").code == 0
    path, word = Path("longer/config.yaml"), ["epochs=3"]
    if edited:
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"epochs": 3}))
        word = []
    assert plait("train", "--resume", "longer", *word).code == 0
    assert_same_run(tmp_path / "whole", tmp_path / "longer")
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(Path("whole/config.yaml").read_text())
    described = [json.loads(Path(run, "trainer.json").read_text()) for run in ("whole", "longer")]
    assert described[0] == described[1]


def test_a_cycle_trains_longer(tmp_path: Path) -> None:
    """The scheduler gets the steps of the new length, and is replayed to the step reached."""
    words = (TINY, "epochs=1", "scheduler={class: OneCycleLR, max_lr: 0.1}", "--out", "cycle")
    assert plait("train", *words).code == 0
    assert plait("train", "--resume", "cycle", "epochs=3").code == 0
    rates = [each["lr"] for each in events(tmp_path / "cycle") if each["event"] == "step"]
    made = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    cycle = torch.optim.lr_scheduler.OneCycleLR(made, 0.1, total_steps=len(rates))
    expected = []
    for _ in rates:
        made.step()
        cycle.step()
        expected.append(made.param_groups[0]["lr"])
    third = len(rates) // 3
    assert rates[third:] == expected[third:]
    assert rates[:third] != expected[:third]


def test_a_run_of_a_trainer_goes_on_in_python(tmp_path: Path) -> None:
    Path("mine").mkdir()
    Path("mine/trainer.json").write_text("{}")
    ran = plait("train", "--resume", "mine")
    assert ran.code == 2
    assert "mine holds a run of a Trainer in Python" in ran.err
    assert "`fit(..., resume=True)` of a Trainer with run='mine'" in ran.err


def test_a_recipe_that_reads_data(tmp_path: Path) -> None:
    write_official(tmp_path / "photos")
    words = ("recipe.size=16", "epochs=1", "batch_size=4", "tasks=[breed, mask]")
    ran = plait("train", "oxford-pets", *words, "--data", "photos", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["folder"] == "runs/oxford-pets"
    assert json.loads(ran.out)["metrics"].keys() == {"breed", "mask"}


def environment() -> dict[str, str]:
    """For a child in another folder, which has to find the recipes of the tests."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


# --- interruptions --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR1, 143, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_command_with_a_checkpoint(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """Ctrl-C, or a scheduler's signal: resumed, it is the run that was never interrupted."""
    words = [TINY, "epochs=400", "recipe.examples=64", "log_every=1", "gallery=0"]
    child = subprocess.Popen(
        [sys.executable, "-m", "plait", "train", *words, "--out", "cut"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("plait: training")
        assert any(line.split()[:1] == ["1/400"] for line in child.stderr)
        child.send_signal(number)
        out, err = child.communicate(timeout=120)
    assert child.returncode == code
    assert out == ""
    line = "to go on: `plait train --resume cut`"
    assert err.splitlines()[-1] == f"plait: interrupted by {number.name}; {line}"
    assert "Traceback" not in err
    state = saved(tmp_path / "cut")["state"]
    assert 8 <= state["step"] < 400 * 8

    # The settings of the run ask for 400 epochs; a few more than were made are enough here.
    enough = state["epoch"] + 2
    for name in ("cut", "whole"):
        config = tmp_path / name / "config.yaml"
        config.parent.mkdir(exist_ok=True)
        settings = yaml.safe_load((tmp_path / "cut/config.yaml").read_text())
        config.write_text(yaml.safe_dump(settings | {"epochs": enough}))
    assert plait("train", "--resume", "cut").code == 0
    assert plait("train", "whole/config.yaml", "--out", "again").code == 0
    assert_same_run(tmp_path / "cut", tmp_path / "again")


def test_the_schema_of_the_settings_is_printed() -> None:
    ran = plait("train", "--schema")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["properties"]["epochs"]["minimum"] == 1


def test_resume_auto_begins_a_run_and_goes_on_with_it(tmp_path: Path) -> None:
    """The same line, whatever is there: as a scheduler calls it again and again."""
    line = ["train", TINY, "epochs=2", "--out", "run", "--resume", "auto"]
    begun = tmp_path / "run"
    begun.mkdir()
    (begun / "config.yaml").write_text("recipe: cut short")
    ran = plait(*line)
    assert ran.code == 0
    assert "the run in run has no checkpoint yet; it is run-begun now" in ran.err
    assert saved(begun)["state"]["epoch"] == 2
    ran = plait(*line[:2], "epochs=3", *line[3:])
    assert ran.code == 0
    assert "going on with the run in run" in ran.err
    assert saved(begun)["state"]["epoch"] == 3
    ran = plait("train", TINY, "--resume", "auto")
    assert ran.code == 2
    assert "Name it" in ran.err
