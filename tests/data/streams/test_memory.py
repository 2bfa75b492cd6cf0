"""A Parquet file of 2 GB is gone through in a bounded memory, which is measured."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

ROWS, GROUP, NUMBERS = 10_000_000, 100_000, 25
MEGABYTE = 2**20

MEASURE = """
import json, resource, sys, time
import pyarrow.parquet, pandas, torch
from plait.data import loader
from plait.recipes._streamed_table import StreamedTable

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

torch.set_num_threads(1)
before, started = peak(), time.time()
table = StreamedTable(data=sys.argv[1], inputs={"x*": "number"}, tasks={"y": "number"})
tasks, splits = table.tasks(), table.splits()
known, opened = peak(), time.time()
rows, total = 0, 0.0
for batch in loader(splits["train"], batch_size=256, shuffle=True, tasks=tasks):
    rows += batch.examples
    total += float(batch.parts[0].targets["y"].double().sum())
print(json.dumps({
    "before": before, "known": known, "peak": peak(), "rows": rows, "sum": total,
    "held out": sum(len(splits[name]) for name in ("val", "test")),
    "opening": opened - started, "epoch": time.time() - opened,
}))
"""


def written(path: Path) -> float:
    """Writes numbers that cannot be packed; returns the sum of the labels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw, total = np.random.default_rng(0), 0.0
    names = ["y", *(f"x{k}" for k in range(NUMBERS - 1))]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, compression=None, use_dictionary=False) as writer:
        for _ in range(ROWS // GROUP):
            columns = draw.standard_normal((NUMBERS, GROUP))
            total += float(columns[0].astype(np.float32).astype(np.float64).sum())
            writer.write_table(pa.table(list(columns), names=names), row_group_size=GROUP)
    return total


@pytest.mark.slow
def test_two_gigabytes_take_less_than_half_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "large.parquet"
    total = written(path)
    assert path.stat().st_size > 2_000_000_000
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    path.unlink()
    found = json.loads(ran.stdout)
    assert found["rows"] + found["held out"] == ROWS
    assert abs(found["held out"] - 200_000) < 3_000
    assert abs(found["sum"] - total) < 5 * found["held out"] ** 0.5
    assert found["peak"] - found["before"] < 512 * MEGABYTE, found
