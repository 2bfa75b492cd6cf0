#!/usr/bin/env bash
# FSDP2 with a gradient divide factor trains with gloo in double precision, and fails in single precision.
#
# Versions: torch 2.13.0, numpy 2.4.6, on Python 3.11.
#
# What happens: `FSDPModule.set_gradient_divide_factor(1.0)` asks for sums of gradients in place of means. For parameters in
# single precision and bfloat16, FSDP2 then hands the collective an operation that multiplies before it adds, which of
# torch's backends NCCL alone has. With gloo the first backward pass raises; in double precision, where FSDP2
# multiplies by itself, the same script trains. `set_force_sum_reduction_for_comms(True)` makes both alike.
#
# What was expected: that a public setting works with every backend that `fully_shard` works with, or that it says at the
# call which one it needs; and that it does not depend on the precision.
#
# Output that was seen:
#   float64: a gradient of 4.0
#   float32: RuntimeError, Cannot use ReduceOp.PREMUL_SUM with Gloo
#   float32 with sums forced: a gradient of 4.0
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. Two processes of the CPU
# take a step. It fails when the behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"

cat > step.py <<'PYTHON'
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard


def step(dtype, forced):
    layer = nn.Linear(1, 2, bias=False, dtype=dtype)
    fully_shard(layer, mesh=init_device_mesh("cpu", (2,)))
    layer.set_gradient_divide_factor(1.0)
    if forced:
        layer.set_force_sum_reduction_for_comms(True)
    try:
        layer(torch.full((2, 1), 1.0, dtype=dtype)).sum().backward()
    except RuntimeError as error:
        return f"{type(error).__name__}, {error}"
    return f"a gradient of {layer.weight.grad.to_local().item()}"


distributed.init_process_group("gloo")
found = [
    f"float64: {step(torch.float64, False)}",
    f"float32: {step(torch.float32, False)}",
    f"float32 with sums forced: {step(torch.float32, True)}",
]
if distributed.get_rank() == 0:
    print("\n".join(found))
distributed.destroy_process_group()
PYTHON

export OMP_NUM_THREADS=1
"$folder/venv/bin/torchrun" --standalone --nproc-per-node 2 step.py > seen.txt
cat seen.txt
diff seen.txt - <<'TEXT'
float64: a gradient of 4.0
float32: RuntimeError, Cannot use ReduceOp.PREMUL_SUM with Gloo
float32 with sums forced: a gradient of 4.0
TEXT
