#!/usr/bin/env bash
# A metric of torchmetrics stays in memory after its last name is gone, with all that it was given.
#
# Versions: torchmetrics 1.9.0, torch 2.13.0, on Python 3.11.
#
# What happens: `Metric.__init__` sets `self.update` and `self.compute` to functions that hold the metric itself
# (`metric.py`, `_wrap_update` and `_wrap_compute`), so that every metric is in a circle. It is not freed with its last
# reference but when Python's collector comes to it, which does not know how large a tensor is. A metric that keeps all
# predictions, such as an area under a curve without thresholds, keeps them on their device until then: a program that
# makes its metrics anew for each evaluation may hold several evaluations at once.
#
# What was expected: that the predictions are free when the metric is deleted, as those of any other module are. To call
# `reset()` before the last reference goes does that.
#
# Output that was seen:
#   deleted: predictions alive True; after gc.collect(): False
#   reset and deleted: predictions alive False
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. It fails when the
# behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0
cd "$folder"

cat > alive.py <<'PYTHON'
import gc
import weakref

import torch
from torchmetrics.classification import BinaryAUROC


def evaluated():
    metric = BinaryAUROC()
    metric.update(torch.rand(1000), torch.randint(0, 2, (1000,)))
    metric.compute()
    return metric, weakref.ref(metric.preds[0])


evaluated()  # what is made once is there now
gc.collect()
gc.disable()
metric, kept = evaluated()
del metric
alive = kept() is not None
gc.collect()
print(f"deleted: predictions alive {alive}; after gc.collect(): {kept() is not None}")
metric, kept = evaluated()
metric.reset()
del metric
print(f"reset and deleted: predictions alive {kept() is not None}")
PYTHON

found=$("$python" alive.py)
echo "$found"
[ "$found" = "deleted: predictions alive True; after gc.collect(): False
reset and deleted: predictions alive False" ] || { echo "CHANGED"; exit 1; }
