#!/usr/bin/env bash
# A layer takes a hundred times as long on the `meta` device, where nothing is computed, as on two real examples.
#
# Versions: torch 2.13.0, on Python 3.11.
#
# What happens: tensors of the `meta` device have a shape and no numbers, so that a forward pass finds the shapes of a network
# without its memory or arithmetic. But for most layers the shape is found by Python functions (`torch/_refs`,
# `torch/_decomp`, `torch/_prims`), each of which checks and wraps many others, where on a CPU one call into C++ does the
# work: a BatchNorm2d makes some 3,700 Python calls, and takes 0.8 to 1.4 ms, in place of some 15. A convolution is quick.
# A small network is therefore tried out faster with numbers than without; who asks for shapes often, or of many copies of
# a network, may want to ask once.
#
# What was expected: that a pass without arithmetic takes no longer than one with it.
#
# Output that was seen:
#   Conv2d: at most 20 Python calls on the CPU, below 100 on meta
#   Linear: at most 20 Python calls on the CPU, above 300 on meta
#   ReLU: at most 20 Python calls on the CPU, above 300 on meta
#   LayerNorm: at most 20 Python calls on the CPU, above 1000 on meta
#   BatchNorm2d: at most 20 Python calls on the CPU, above 2000 on meta
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

cat > calls.py <<'PYTHON'
import sys

import torch
from torch import nn

CASES = {  # layer, shape of its input, what bounds the calls on meta
    "Conv2d": (nn.Conv2d(3, 8, 3), (2, 3, 8, 8), "below 100"),
    "Linear": (nn.Linear(8, 8), (2, 8), "above 300"),
    "ReLU": (nn.ReLU(), (2, 8), "above 300"),
    "LayerNorm": (nn.LayerNorm(8), (2, 8), "above 1000"),
    "BatchNorm2d": (nn.BatchNorm2d(3), (2, 3, 8, 8), "above 2000"),
}


def python_calls(run):
    """Counts them in a third run: what is imported or kept once is there by then."""
    run(), run()
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    run()
    sys.setprofile(None)
    return count


for name, (layer, shape, bound) in CASES.items():
    with torch.no_grad():
        real = python_calls(lambda: layer(torch.empty(shape)))
        meta = layer.to("meta")
        without = python_calls(lambda: meta(torch.empty(shape, device="meta")))
    word, number = bound.split()
    kept = without < int(number) if word == "below" else without > int(number)
    print(
        f"{name}: {'at most' if real <= 20 else 'MORE THAN'} 20 Python calls on the CPU, "
        f"{bound if kept else f'{without}'} on meta"
    )
PYTHON

found=$("$python" calls.py)
echo "$found"
[ "$found" = "Conv2d: at most 20 Python calls on the CPU, below 100 on meta
Linear: at most 20 Python calls on the CPU, above 300 on meta
ReLU: at most 20 Python calls on the CPU, above 300 on meta
LayerNorm: at most 20 Python calls on the CPU, above 1000 on meta
BatchNorm2d: at most 20 Python calls on the CPU, above 2000 on meta" ] || { echo "CHANGED"; exit 1; }
