#!/usr/bin/env bash
# Importing torchmetrics imports transformers, wherever that is installed, for one of its metrics.
#
# Versions: torchmetrics 1.9.0, transformers 5.23.0, torch 2.13.0, on Python 3.11.
#
# What happens: `torchmetrics/__init__.py` imports `torchmetrics.functional`, which imports the metrics of text, and
# `functional/text/bert.py` runs `from transformers import AutoModel, AutoTokenizer` at its top where transformers is
# installed. An import of any part, such as `torchmetrics.classification`, runs `torchmetrics/__init__.py` first.
# AutoModel brings transformers' list of models and its generation. Neither an argument nor a variable of the
# environment turns it off.
#
# What was expected: that whoever computes an accuracy does not wait for the models of BERTScore. To import transformers
# in the function that needs it, as `functional/text/helper_embedding_metric.py` does, would be enough.
#
# Output that was seen:
#   accuracy alone: transformers True, its models True
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. It fails when the
# behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check torchmetrics==1.9.0 transformers==5.23.0 torch==2.13.0
cd "$folder"

found=$("$python" -c "
import sys
from torchmetrics.classification import BinaryAccuracy
models = 'transformers.models.auto.modeling_auto' in sys.modules
print(f\"transformers {'transformers' in sys.modules}, its models {models}\")")
echo "accuracy alone: $found"
[ "$found" = "transformers True, its models True" ] || { echo "CHANGED"; exit 1; }
