"""What needs no torch does not wait for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("torch", "numpy", "torchmetrics", "sklearn", "pandas", "plotly")
RUN = f"""
import sys
from plait.cli import main
try:
    main(sys.argv[1:])
finally:
    print("loaded:", *({SLOW!r} & sys.modules.keys()))
""".replace(repr(SLOW), repr(set(SLOW)))


def run(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a fresh interpreter, which tells what it has loaded in the end."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("start")
    (made / "broken.yaml").write_text("a: [1")
    (made / "unknown.yaml").write_text("recipe: digits\nepoch: 3\n")
    (made / "method.yaml").write_text("recipe: digits\nsharing: Shared\n")
    (made / "method").mkdir()
    (made / "method" / "config.yaml").write_text("recipe: digits\nconnections: [Hint, Cross]\n")
    (made / "run").mkdir()
    (made / "run" / "config.yaml").write_text("recipe: digits\nepoch: 3\n")
    return made


@pytest.mark.parametrize("words", ["", "--help", "--version", "train --help", "list --help"])
def test_help_and_version_load_nothing_slow(words: str, folder: Path) -> None:
    ran = run(*words.split(), folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian", "no such command 'trian'. Did you mean 'train'?"),
        ("train digits --otu x", "no such option: --otu"),
        ("report", "missing argument"),
        ("train", "name a recipe"),
        ("train digti", "unknown recipe 'digti'; known: adult, "),
        ("train digits epochs", "settings as key=value; found 'digits' and 'epochs'"),
        ("train digits epoch=3", "unknown setting 'epoch'. Did you mean 'epochs'?"),
        ("train digits epochs=0", "setting 'epochs': input should be greater"),
        ("train digits epochs=[", "not valid YAML"),
        ("train digits epochs=3 epochs.x=1", "an option of 'epochs', which is 3"),
        ("train digits lr=0.1", "unknown setting 'lr'. Did you mean 'optimizer.lr'?"),
        ("train digits --from runs/digit", "there is no folder runs/digit to start from. Train it"),
        ("demo epoch=3", "unknown setting 'epoch'"),
        ("train --config x.yaml", "--config is not needed: `plait train x.yaml`"),
        ("train nowhere.yaml", "there is no configuration file nowhere.yaml"),
        ("train broken.yaml", "broken.yaml is not valid YAML"),
        ("train unknown.yaml", "unknown setting 'epoch'"),
        ("train --resume nowhere", "nowhere holds no run to resume"),
        ("train --resume run", "unknown setting 'epoch'"),
        ("train --resume run epochs=0", "setting 'epochs': input should be greater"),
        ("train --resume run --out x", "leave out everything but key=value"),
        ("train digits --out run", "run already holds a run"),
        ("train digits balancing=UPGard", "unknown balancer 'UPGard'; known: 42 names"),
        ("train digits balancing=UPGard --nproc 2", "Did you mean 'UPGrad'?"),
        ("train method.yaml", "unknown sharing 'Shared'; known: AdaShare, "),
        ("train --resume run balancing=UPGard", "unknown balancer 'UPGard'"),
        ("train --resume method", "unknown connection 'Cross'; known: AITM, "),
        ("compare digits encoder=ConvEncodr", "Did you mean 'ConvEncoder'?"),
        ("compare digits --members MMoE,UPGard", "unknown method 'UPGard'"),
        ("advise digits regularization=[L21,L12]", "unknown regularizer 'L12'"),
        ("tune digits connections=Cross", "unknown connection 'Cross'"),
        ("tune digits --over balancing=Equal,UPGard", "Did you mean 'UPGrad'?"),
        ("explain digits mixing=Temprature", "Did you mean 'Temperature'?"),
        ("diagnose digits balancing=UPGard", "unknown balancer 'UPGard'"),
        ("doctor digits balancing=UPGard", "unknown balancer 'UPGard'"),
        ("demo balancing=UPGard", "unknown balancer 'UPGard'"),
        ("list balancer", "unknown family or method 'balancer'; "),
    ],
)
def test_errors_of_the_command_line_load_nothing_slow(
    words: str, message: str, folder: Path
) -> None:
    ran = run(*words.split(), folder=folder)
    assert ran.returncode == 2
    assert ran.stdout == "loaded:\n"
    assert ran.stderr.startswith("plait: error: ")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_training_says_what_it_does_before_torch_is_loaded(folder: Path) -> None:
    """Where torch cannot be imported, the first line is there all the same."""
    (folder / "torch.py").write_text("raise ImportError('torch was asked for')")
    try:
        ran = run("train", "digits", folder=folder, PYTHONPATH=f"{folder}:{ROOT / 'src'}")
    finally:
        (folder / "torch.py").unlink()
    first, *rest = ran.stderr.splitlines()
    assert first == "plait: training digits; run folder: runs/digits"
    assert rest[-1] == "ImportError: torch was asked for"


def test_a_report_of_nothing_needs_no_torch(folder: Path) -> None:
    ran = run("report", "nowhere", folder=folder)
    assert ran.returncode == 2
    assert "torch" not in ran.stdout
    assert "nowhere holds no events.jsonl" in ran.stderr


def test_what_every_run_loads_has_neither_pandas_nor_scipy() -> None:
    """They take as long as half of torch, and a run on anything but a table reads none of them."""
    code = """
import sys
from plait.cli.quick import load_torchmetrics
load_torchmetrics()
from plait.cli import prepared, show
from plait.experiments import open_problem, run, validate, with_defaults
from plait.reports import write_report
open_problem(validate(with_defaults({"recipe": "digits"})))
print(*({"pandas", "sklearn", "scipy.ndimage", "plotly", "optuna"} & sys.modules.keys()))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"
