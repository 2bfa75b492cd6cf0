#!/usr/bin/env bash
# Without a GPU, `torch.manual_seed` takes the longer the deeper it is called, since it writes down the stack three times.
#
# Versions: torch 2.13.0, on Python 3.11, on a machine without an accelerator.
#
# What happens: `manual_seed` seeds the devices too. Those of CUDA, XPU and MTIA are not there or not in use yet, so the
# seed is queued, each time with `traceback.format_stack()` of the caller (`torch/cuda/__init__.py`, `torch/xpu/__init__.py`
# and `torch/mtia/__init__.py`, `_lazy_call`), which looks at every function that is running. From a script it takes
# a tenth of a millisecond, from a test under pytest some eight tenths (33 frames), in place of one microsecond.
#
# What was expected: that to seed a generator takes the same time everywhere. Where the seed is wanted on the CPU alone,
# `torch.default_generator.manual_seed` queues nothing, and leaves the generators of devices as they are.
#
# Output that was seen:
#   torch.manual_seed, 10 functions deep: stack formatted 3 times, 33 frames more than at the top
#   torch.manual_seed, 100 functions deep: stack formatted 3 times, 303 frames more than at the top
#   torch.default_generator.manual_seed, 100 functions deep: stack formatted 0 times
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. It fails when the
# behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0 numpy
cd "$folder"

cat > seeds.py <<'PYTHON'
import traceback

import torch

original = traceback.format_stack
frames = []


def noted(*given, **named):
    frames.append(len(traceback.extract_stack()))
    return original(*given, **named)


def deep(function, depth):
    return function(0) if depth == 0 else deep(function, depth - 1)


assert not torch.accelerator.is_available(), "this is about machines without an accelerator"
traceback.format_stack = noted
torch.manual_seed(0)
at_top = sum(frames)
for depth in (10, 100):
    frames.clear()
    deep(torch.manual_seed, depth)
    print(
        f"torch.manual_seed, {depth} functions deep: stack formatted {len(frames)} times, "
        f"{sum(frames) - at_top} frames more than at the top"
    )
frames.clear()
deep(torch.default_generator.manual_seed, 100)
print(f"torch.default_generator.manual_seed, 100 functions deep: stack formatted {len(frames)} times")
PYTHON

found=$("$python" seeds.py)
echo "$found"
[ "$found" = "torch.manual_seed, 10 functions deep: stack formatted 3 times, 33 frames more than at the top
torch.manual_seed, 100 functions deep: stack formatted 3 times, 303 frames more than at the top
torch.default_generator.manual_seed, 100 functions deep: stack formatted 0 times" ] || { echo "CHANGED"; exit 1; }
