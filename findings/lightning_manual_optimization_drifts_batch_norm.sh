#!/usr/bin/env bash
# With manual optimisation in Lightning, the batch norm statistics of the processes drift apart, and nothing says so.
#
# Versions: lightning 2.6.6, torch 2.13.0, numpy 2.4.6, on Python 3.11.
#
# What happens: with `strategy="ddp"` torch's DistributedDataParallel hands the buffers of rank 0 to all processes before
# each forward pass, so that running means and variances are the same everywhere. With
# `automatic_optimization = False` it does so before the first one only: Lightning switches `require_backward_grad_sync` off at
# the end of each training step (`_DDPForwardRedirection`), and the wrapper takes it for `no_sync` and no longer
# broadcasts. Parameters stay equal, since `manual_backward` adds gradients up; buffers do not.
#
# What was expected: that one loss with one optimizer trains the same network by `manual_backward` as it does by returning
# the loss. Instead processes evaluate other networks, and a checkpoint has the statistics of rank 0's rows alone.
#
# The data of rank 1 are shifted by 10, and the running mean starts at 0. Output that was seen:
#   automatic: same weights True, running means apart by 1.0
#   manual: same weights True, running means apart by 8.1
# (1.0 is what the last step alone has added at rank 1.)
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. Two processes of the CPU
# train for some seconds. It fails when the behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check lightning==2.6.6 torch==2.13.0 numpy==2.4.6
cd "$folder"

cat > train.py <<'PYTHON'
import sys

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Module(lightning.LightningModule):
    def __init__(self, automatic):
        super().__init__()
        self.automatic_optimization = automatic
        self.network = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def training_step(self, batch, number):
        loss = self.network(batch[0] + 10 * self.global_rank).square().mean()
        if self.automatic_optimization:
            return loss
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


torch.manual_seed(0)
rows = TensorDataset(torch.randn(128, 1) / 10)
trainer = lightning.Trainer(
    accelerator="cpu", devices=2, strategy="ddp", max_epochs=1, logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
module = Module(sys.argv[1] == "automatic")
trainer.fit(module, DataLoader(rows, batch_size=4))
found = torch.cat([module.network[1].weight.detach()[0], module.network[0].running_mean])
both = [torch.empty_like(found) for _ in range(2)]
torch.distributed.all_gather(both, found)
if trainer.is_global_zero:
    weights, means = torch.stack(both).unbind(1)
    with open("seen", "a") as seen:
        same = bool(weights[0] == weights[1])
        seen.write(f"{sys.argv[1]}: same weights {same}, running means apart by {means[1] - means[0]:.1f}\n")
PYTHON

for way in automatic manual; do
    "$python" train.py $way > log 2>&1 || { cat log; exit 1; }
done
cat seen

diff seen - <<'EXPECTED' || { echo "CHANGED"; exit 1; }
automatic: same weights True, running means apart by 1.0
manual: same weights True, running means apart by 8.1
EXPECTED
