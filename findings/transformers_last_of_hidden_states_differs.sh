#!/usr/bin/env bash
# The last of `hidden_states` is the last hidden state in some models of transformers, and not in others.
#
# Versions: transformers 5.23.0, torch 2.13.0, numpy 2.4.6, on Python 3.11.
#
# What happens: with `output_hidden_states=True` a model gives the embeddings and the output of each block. In BERT, GPT-2
# and Llama the last of them equals `last_hidden_state`; GPT-2 and Llama have a final norm, and it is applied to it. In
# ViT, DINOv2 and Swin the last of them is taken before the final norm, and differs from `last_hidden_state`.
#
# What was expected: one rule. Code that takes `hidden_states[-1]` as the final representation, and is tested on a model of
# text, trains a head on features that are not normed with a model of pictures, and nothing says so.
#
# Output that was seen:
#   bert: 3 states, the last is the last hidden state: True
#   gpt2: 3 states, the last is the last hidden state: True
#   llama: 3 states, the last is the last hidden state: True
#   vit: 3 states, the last is the last hidden state: False, its norm is: True
#   dinov2: 3 states, the last is the last hidden state: False, its norm is: True
#   swin: 3 states, the last is the last hidden state: False, its norm is: True
#
# The script needs Python 3.11 or newer and the network (it installs torch), and no part of plait. The models are small,
# with random weights. It fails when the behaviour is a different one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q --disable-pip-version-check transformers==5.23.0 torch==2.13.0 numpy==2.4.6
cd "$folder"

"$python" - <<'PYTHON' | tee seen
import torch
from transformers import AutoConfig, AutoModel

sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
ends = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
pictures = dict(image_size=32, patch_size=8)
models = {
    "bert": dict(vocab_size=50, **sizes),
    "gpt2": dict(vocab_size=50, n_embd=16, n_layer=2, n_head=2, **ends),
    "llama": dict(vocab_size=50, num_key_value_heads=2, **sizes, **ends),
    "vit": dict(**sizes, **pictures),
    "dinov2": dict(**sizes, **pictures),
    "swin": dict(image_size=32, patch_size=4, window_size=4, embed_dim=16, depths=[1, 1], num_heads=[1, 2]),
}
torch.manual_seed(0)
for kind, options in models.items():
    model = AutoModel.from_config(AutoConfig.for_model(kind, **options)).eval()
    inputs = torch.randint(3, 50, (2, 6)) if model.main_input_name == "input_ids" else torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        out = model(inputs, output_hidden_states=True)
        last = out.hidden_states[-1]
        line = f"{kind}: {len(out.hidden_states)} states, the last is the last hidden state: "
        line += f"{torch.equal(last, out.last_hidden_state)}"
        if hasattr(model, "layernorm"):
            line += f", its norm is: {torch.allclose(model.layernorm(last), out.last_hidden_state, atol=1e-6)}"
    print(line)
PYTHON

diff seen - <<'EXPECTED' || { echo "CHANGED"; exit 1; }
bert: 3 states, the last is the last hidden state: True
gpt2: 3 states, the last is the last hidden state: True
llama: 3 states, the last is the last hidden state: True
vit: 3 states, the last is the last hidden state: False, its norm is: True
dinov2: 3 states, the last is the last hidden state: False, its norm is: True
swin: 3 states, the last is the last hidden state: False, its norm is: True
EXPECTED
