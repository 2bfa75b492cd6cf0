"""``python -m benchmarks``: all measurements; exit status 1 if a bound is missed."""

from __future__ import annotations

import sys

from benchmarks import engine, families, memory, small_networks, solvers, start, trainer_overhead

if __name__ == "__main__":
    benchmarks = (start, solvers, engine, families, memory, trainer_overhead, small_networks)
    kept = [benchmark.main() for benchmark in benchmarks]
    sys.exit(0 if all(kept) else 1)
