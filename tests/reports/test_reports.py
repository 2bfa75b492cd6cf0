"""The reports read files alone."""

import subprocess
import sys
from pathlib import Path

from tests.reports.comparison_example import write_comparison

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
