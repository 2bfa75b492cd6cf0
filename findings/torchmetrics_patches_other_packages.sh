#!/usr/bin/env bash
# Importing torchmetrics changes other packages, for the whole process.
#
# Versions: torchmetrics 1.9.0, scipy 1.17.1, numpy 2.4.6, pillow 13.0.0, torch 2.13.0, on Python 3.11.
#
# What happens: `import torchmetrics` (its `__init__.py`) runs these for every package that it finds installed:
#   - numpy: sets `numpy.Inf`, which NumPy 2 removed;
#   - pillow: sets `PIL.PILLOW_VERSION`, which Pillow no longer has;
#   - scipy: imports scipy.signal, for this purpose only, and sets `scipy.signal.hamming`, which SciPy no longer has.
#
# What was expected: that an import leaves other packages as they are. A program that uses `numpy.Inf` fails or not
# depending on whether torchmetrics was imported before, so its tests can pass and its users see the error. The import
# of scipy.signal is paid by everybody who has scipy, also by those who use no metric of audio.
#
# Output that was seen:
#   alone: numpy.Inf False, PIL.PILLOW_VERSION False, scipy.signal.hamming False, scipy.signal imported False
#   after import torchmetrics: numpy.Inf True, PIL.PILLOW_VERSION True, scipy.signal.hamming True, scipy.signal imported True
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. It fails when the
# behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check \
    torchmetrics==1.9.0 scipy==1.17.1 numpy==2.4.6 pillow==13.0.0 torch==2.13.0
cd "$folder"

# states FIRST: what a fresh interpreter has after the statement FIRST.
states() {
    "$python" -c "
import sys
$1
signal = 'scipy.signal' in sys.modules
import numpy, PIL, scipy.signal
print(
    f\"numpy.Inf {hasattr(numpy, 'Inf')}, PIL.PILLOW_VERSION {hasattr(PIL, 'PILLOW_VERSION')}, \"
    f\"scipy.signal.hamming {hasattr(scipy.signal, 'hamming')}, scipy.signal imported {signal}\"
)"
}

# holds NAME FOUND EXPECTED
holds() {
    echo "$1: $2"
    [ "$2" = "$3" ] || { echo "CHANGED; it was: $3"; exit 1; }
}

alone="numpy.Inf False, PIL.PILLOW_VERSION False, scipy.signal.hamming False, scipy.signal imported False"
holds "alone" "$(states 'pass')" "$alone"
holds "after import torchmetrics" "$(states 'import torchmetrics')" "${alone//False/True}"
