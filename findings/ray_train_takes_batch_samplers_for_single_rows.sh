#!/usr/bin/env bash
# `prepare_data_loader` of Ray Train turns a loader that has a `batch_sampler` into one of single rows, and nothing says so.
#
# Versions: ray[train] 2.60.0, torch 2.13.0, numpy 2.4.6, on Python 3.11.
#
# What happens: with more than one worker it makes the loader anew, with a `DistributedSampler` and the old loader's
# `batch_size`. A loader with a `batch_sampler` has the batch size None, which means "no batches" to torch. So it comes back
# without its batches: each worker gets single rows, without the dimension of a batch, in as many steps. The warning about
# a sampler that is overwritten is not given, since the sampler beside a batch sampler is torch's default.
#
# What was expected: batches, or an error. Most networks take a row without a batch, so that a training goes on: with one
# worker in batches, with two in steps on single rows. Samplers of batches are what sorts sentences by length, balances
# classes, or makes an epoch resume where it stopped.
#
# A table of 16 rows in batches of 4. Output that was seen:
#   1 worker, batch_size=4: 4 batches of shape (4,)
#   1 worker, batch_sampler: 4 batches of shape (4,)
#   2 workers, batch_size=4: 2 batches of shape (4,)
#   2 workers, batch_sampler: 8 batches of shape ()
#
# The script needs Python 3.11 or newer and the network (it installs torch and ray), and no part of plait. It starts a Ray
# of its own on this machine for about a minute. It fails when the behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check 'ray[train]==2.60.0' torch==2.13.0 numpy==2.4.6
cd "$folder"
export HOME="$folder" RAY_USAGE_STATS_ENABLED=0 # Ray writes its results, and a token, to the home folder

cat > train.py <<'PYTHON'
import os

import ray
import torch
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

HERE = os.getcwd()


def work():
    rows = TensorDataset(torch.arange(16.0))
    batches = BatchSampler(SequentialSampler(rows), batch_size=4, drop_last=False)
    loaders = {"batch_size=4": DataLoader(rows, batch_size=4), "batch_sampler": DataLoader(rows, batch_sampler=batches)}
    for name, loader in loaders.items():
        found = [tuple(batch.shape) for (batch,) in prepare_data_loader(loader)]
        context = ray.train.get_context()
        if context.get_world_rank() == 0:
            workers = f"{context.get_world_size()} worker{'s' if context.get_world_size() > 1 else ''}"
            with open(f"{HERE}/seen", "a") as seen:
                seen.write(f"{workers}, {name}: {len(found)} batches of shape {found[0]}\n")


ray.init("local", num_cpus=2, include_dashboard=False)
for workers in (1, 2):
    TorchTrainer(
        work, scaling_config=ScalingConfig(num_workers=workers), run_config=RunConfig(storage_path=HERE)
    ).fit()
PYTHON

"$python" train.py > log 2>&1 || { cat log; exit 1; }
cat seen

diff seen - <<'EXPECTED' || { echo "CHANGED"; exit 1; }
1 worker, batch_size=4: 4 batches of shape (4,)
1 worker, batch_sampler: 4 batches of shape (4,)
2 workers, batch_size=4: 2 batches of shape (4,)
2 workers, batch_sampler: 8 batches of shape ()
EXPECTED
