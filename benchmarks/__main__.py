"""``python -m benchmarks``: all measurements; exit status 1 if a bound is missed."""

from __future__ import annotations

import sys

from benchmarks import (
    engine,
    families,
    jobs,
    labels,
    many_tasks,
    memory,
    mixtures,
    photos,
    sentences,
    small_networks,
    solvers,
    start,
    table_files,
    table_steps,
    trainer_overhead,
)

if __name__ == "__main__":
    step = (start, solvers, engine, labels, families, memory, trainer_overhead, small_networks)
    data = (many_tasks, table_steps, table_files, photos, sentences, mixtures)
    kept = [benchmark.main() for benchmark in (*step, *data, jobs)]
    sys.exit(0 if all(kept) else 1)
