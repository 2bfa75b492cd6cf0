"""Tiny configurations of networks of transformers, whose weights are drawn."""

from typing import Any

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
ENDS: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
TEXT: dict[str, dict[str, Any]] = {
    "bert": {**SIZES, "vocab_size": 50},
    "roberta": {**SIZES, "vocab_size": 50, "max_position_embeddings": 40, "pad_token_id": 1},
    "gpt2": {**ENDS, "n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 50},
    "llama": {**SIZES, **ENDS, "num_key_value_heads": 2, "vocab_size": 50},
    "qwen2": {**SIZES, **ENDS, "num_key_value_heads": 2, "vocab_size": 50},
    "modernbert": {**SIZES, **ENDS, "vocab_size": 50, "cls_token_id": 1, "sep_token_id": 2},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 50},
}
PICTURES: dict[str, dict[str, Any]] = {
    "vit": {**SIZES, "image_size": 32, "patch_size": 8},
    "dinov2": {**SIZES, "image_size": 32, "patch_size": 8},
    "dinov2_with_registers": {**SIZES, "image_size": 32, "patch_size": 8},
    "swin": {
        "image_size": 32,
        "patch_size": 4,
        "window_size": 4,
        "embed_dim": 16,
        "depths": [1, 1],
        "num_heads": [1, 2],
    },
    "convnext": {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
}
SOUNDS: dict[str, dict[str, Any]] = {
    kind: {
        **SIZES,
        "conv_dim": [16] * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
        "feat_extract_norm": norm,
    }
    for kind, norm in (("wav2vec2", "layer"), ("hubert", "group"))
}


def config(kind: str) -> dict[str, Any]:
    """A configuration with what makes a network of it."""
    return {"model_type": kind, **(TEXT | PICTURES | SOUNDS)[kind]}
