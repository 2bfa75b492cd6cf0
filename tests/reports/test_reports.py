"""The reports read files alone."""

import subprocess
import sys
from pathlib import Path

import torch

from plait import MultiTaskModel, Trainer
from plait.balancing import CAGrad
from plait.reports import write_report
from plait.sharing import Hard
from plait.tasks import Regression
from tests.reports.comparison_example import write_comparison
from tests.reports.page import read_page

CODE = """
import sys
from pathlib import Path
from plait.reports import write_report
write_report(Path(sys.argv[1]))
loaded = {name for name in sys.modules if name.partition(".")[0] in ("torch", "torchmetrics")}
loaded |= {name for name in sys.modules if name.startswith(("plait.model", "plait.training"))}
assert not loaded, sorted(loaded)[:5]
"""


def test_a_page_needs_neither_torch_nor_a_model(tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit",), epochs=1, steps_per_epoch=2)
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "report.html").is_file()


def test_the_run_of_a_trainer_is_shown_with_its_options(tmp_path: Path) -> None:
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    batches = [(inputs, {"a": inputs[:, :1], "b": inputs[:, 1:2]})]
    tasks = [Regression("a"), Regression("b", weight=2.5)]
    model = MultiTaskModel(Hard(torch.nn.Linear(3, 4)), tasks, example=inputs)
    trainer = Trainer(
        model, CAGrad(c=0.71), lr=0.0123, seed=1789, epochs=2, run=tmp_path / "run", device="cpu"
    )
    trainer.fit(batches, val=batches)
    page = read_page(write_report(tmp_path / "run"))
    shown = dict(map(tuple, page.tables["Configuration"]))
    expected = {"lr": "0.0123", "seed": "1789", "epochs": "2", "optimizer": "AdamW"}
    expected |= {"balancer.class": "CAGrad", "balancer.c": "0.71", "tasks.b.weight": "2.5"}
    assert expected.items() <= shown.items()
    assert dict(map(tuple, page.tables["Environment"]))["torch"] == torch.__version__
    assert "There is no" not in page.text.replace("There is no gallery/", "")
    assert "0.0123 at every step." in page.text
