"""``python -m benchmarks``: all measurements; exit status 1 if a bound is missed."""

from __future__ import annotations

import sys

from benchmarks import (
    engine,
    families,
    memory,
    small_networks,
    solvers,
    start,
    table_files,
    table_steps,
    trainer_overhead,
)

if __name__ == "__main__":
    benchmarks = (start, solvers, engine, families, memory, trainer_overhead, small_networks)
    tables = (table_steps, table_files)
    kept = [benchmark.main() for benchmark in (*benchmarks, *tables)]
    sys.exit(0 if all(kept) else 1)
