#!/usr/bin/env bash
# `AutoModel.from_pretrained(name, local_files_only=True)` asks the hub twice for a model that lies whole in the cache.
#
# Versions: transformers 5.23.0, huggingface_hub 2.4.0, peft 0.21.2, torch 2.13.0, numpy 2.4.6, on Python 3.11.
#
# What happens: where peft is installed, transformers first looks for an adapter of that name, and does not hand on that
# only local files are to be read: it asks the hub for `adapter_config.json`, and where there is no network it tries again
# for some 20 seconds. `adapter_kwargs={"local_files_only": True}` ends that. Then huggingface_hub, told to read local
# files only, makes the headers of a request that it does not send, and for one of them it fetches a list from the hub
# once a day. Only the folder of the snapshot in place of the name, or HF_HUB_OFFLINE=1, asks nobody.
#
# What was expected: no request at all. A machine without a network waits at each start, and one with a network tells a
# host which models it uses, although both were told to keep to the cache.
#
# Output that was seen (each look-up of a host's address is noted with what wanted it, and fails):
#   by name: adapter, headers
#   by name, adapters local as well: headers
#   by folder: nobody
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. The model is small, with
# random weights. It fails when the behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check \
    transformers==5.23.0 huggingface_hub==2.4.0 peft==0.21.2 torch==2.13.0 numpy==2.4.6
cd "$folder"

cat > look.py <<'PYTHON'
import os
import socket
import sys
import traceback
from pathlib import Path

home = Path(sys.argv[1])
os.environ["HF_HOME"] = str(home)
os.environ.pop("HF_HUB_OFFLINE", None)
from transformers import AutoModel, BertConfig, BertModel, logging

logging.set_verbosity(logging.CRITICAL)
place = home / "hub" / "models--nobody--model"
snapshot = place / "snapshots" / ("0" * 40)
sizes = dict(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
BertModel(BertConfig(**sizes)).save_pretrained(snapshot)
(place / "refs").mkdir()
(place / "refs" / "main").write_text("0" * 40)

wanted = set()


def lookup(*arguments, **options):
    stack = {frame.name for frame in traceback.extract_stack()}
    wanted.add("headers" if "build_hf_headers" in stack else "adapter" if "find_adapter_config_file" in stack else "other")
    raise OSError("there is no network")


socket.getaddrinfo = lookup
source = {"folder": str(snapshot)}.get(sys.argv[2], "nobody/model")
options = {"adapter_kwargs": {"local_files_only": True}} if sys.argv[2] == "both" else {}
AutoModel.from_pretrained(source, local_files_only=True, **options)
print(", ".join(sorted(wanted)) or "nobody")
PYTHON

{
    echo "by name: $("$python" look.py "$folder/a" name 2> errors)"
    echo "by name, adapters local as well: $("$python" look.py "$folder/b" both 2>> errors)"
    echo "by folder: $("$python" look.py "$folder/c" folder 2>> errors)"
} | tee seen

diff seen - <<'EXPECTED' || { cat errors; echo "CHANGED"; exit 1; }
by name: adapter, headers
by name, adapters local as well: headers
by folder: nobody
EXPECTED
